/** A Jupyter server: Jupyter Server itself, a user's behind JupyterHub, or Enterprise Gateway. */
export interface Remote {
  /** With a slash at its end. */
  url: string;
  token: string;
}

const causeOf = (error: unknown): string => {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
  return cause?.code ?? message;
};

/**
 * Asks a server for its kernels before anything is started there.
 *
 * Errors: it does not answer, refuses the token, is no Jupyter server, is not started, or has no such kernel; each with its cure.
 */
export async function expectKernel({ url, token }: Remote, name: string): Promise<void> {
  const headers: Record<string, string> = token ? { authorization: `token ${token}` } : {};
  const answer = await fetch(new URL('api/kernelspecs', url), { headers, redirect: 'manual' }).catch(
    (error) => {
      throw new Error(`${url} does not answer: ${causeOf(error)}`);
    },
  );
  const { status } = answer;
  const text = await answer.text();
  if (status === 401 || status === 403 || (status >= 300 && status < 400))
    throw new Error(`${url} refuses the token (${status}): give its own with --token or JUPYTER_TOKEN`);
  let specs: Record<string, unknown> | undefined;
  let message = '';
  try {
    const json = JSON.parse(text) as { kernelspecs?: Record<string, unknown>; message?: string };
    specs = json.kernelspecs;
    message = json.message ?? '';
  } catch {
    // Told below.
  }
  if (status === 424 || status >= 500)
    throw new Error(`${url} answers ${status} ${message}: behind JupyterHub, start the user's server first`);
  if (!answer.ok || !specs)
    throw new Error(
      `there is no Jupyter server at ${url} (${status}): behind JupyterHub its address ends with /user/NAME/`,
    );
  if (!(name in specs))
    throw new Error(
      `${url} has no kernel '${name}': install it there, or choose with --kernel from ${Object.keys(specs).join(', ')}`,
    );
}
