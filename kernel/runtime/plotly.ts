/** Packages that are plotly.js, whole or a part of it. */
const packages = /^plotly\.js(?:-[\w-]+)?(?:$|\/)/;

/**
 * What a cell gets for plotly.js: the package draws into a page and does not even load where there is none. Its types are needed all
 * the same, and so is the import that notebooks written for other kernels start with. Null for other packages, and where the user has
 * made a page (for instance with jsdom): then the package itself loads.
 */
export function plotlyWithoutPage(specifier: string): Record<string, unknown> | null {
  return packages.test(specifier) && !('document' in globalThis) ? standIn : null;
}

/** Every function of plotly.js, each of which says what to use instead. */
const standIn = new Proxy<Record<string, unknown>>(
  {},
  {
    // A module that awaits must not find it to be a promise.
    has: (_, name) => typeof name === 'string' && name !== 'then',
    get: (_, name) => {
      if (typeof name !== 'string' || name === 'then') return undefined;
      if (name === 'default') return standIn;
      return () => {
        throw new Error(
          `Plotly.${name} draws into a web page, and a cell has none: make a figure with new Figure({ data, layout, config }), ` +
            'which shows itself as the last value of the cell or with display(figure)',
        );
      };
    },
  },
);
