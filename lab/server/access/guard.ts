import { randomBytes } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { judge, type Origin, type Policy } from './request.ts';

export const originOf = (c: Context): Origin => ({
  method: c.req.method,
  url: new URL(c.req.url),
  header: (name) => c.req.header(name),
});

/** Lets the browser in from now on, and gives it the token that guards against forged requests. */
export function admit(c: Context, policy: Policy): void {
  setCookie(c, policy.cookieName, policy.credentials.session, {
    httpOnly: true,
    sameSite: 'Strict',
    path: '/',
  });
  if (!getCookie(c, '_xsrf'))
    setCookie(c, '_xsrf', randomBytes(24).toString('hex'), { sameSite: 'Strict', path: '/' });
}

/** What anyone may ask: the login page and the icon on it. */
const isPublic = (path: string): boolean => path === '/login' || path.startsWith('/static/favicons/');

/** Refuses what is not let in: a page is sent to the login, anything else gets 403. */
export const guard =
  (policy: Policy): MiddlewareHandler =>
  async (c, next) => {
    const verdict = judge(originOf(c), policy);
    if (verdict.refusal === undefined) {
      if (verdict.by === 'token' && c.req.header('accept')?.includes('text/html')) admit(c, policy);
      return next();
    }
    if (!('anonymous' in verdict)) return c.json({ message: verdict.refusal, reason: null }, 403);
    if (isPublic(c.req.path)) return next();
    if (c.req.method === 'GET' && c.req.header('accept')?.includes('text/html')) {
      const { pathname, searchParams } = new URL(c.req.url);
      searchParams.delete('token');
      const query = searchParams.size > 0 ? `?${searchParams}` : '';
      return c.redirect(`/login?next=${encodeURIComponent(pathname + query)}`);
    }
    return c.json({ message: verdict.refusal, reason: null }, 403);
  };
