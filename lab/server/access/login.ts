import { setTimeout as pause } from 'node:timers/promises';
import { Hono } from 'hono';
import { deleteCookie, getCookie } from 'hono/cookie';
import { html } from 'hono/html';
import { Attempts } from './attempts.ts';
import { same } from './credentials.ts';
import { admit } from './guard.ts';
import type { Policy } from './request.ts';

/** Only a path of ours: `//host` and `\host` are other servers to a browser. */
const safeNext = (next: string | undefined): string => (next && /^\/(?![/\\])/.test(next) ? next : '/lab');

const page = (next: string, xsrf: string, hasPassword: boolean, problem: string) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>gradbook</title>
    <link rel="icon" href="/static/favicons/favicon.ico" />
    <style>
      :root { color-scheme: light dark; }
      body { font: 16px/1.5 system-ui, sans-serif; display: grid; place-items: center; min-height: 90vh; margin: 0; }
      form { display: grid; gap: 12px; width: min(360px, 90vw); }
      img { width: 56px; height: 56px; }
      h1 { margin: 0; font-size: 22px; font-weight: 600; }
      p { margin: 0; }
      input, button { font: inherit; padding: 8px 12px; border-radius: 6px; border: 1px solid #8888; }
      button { background: #3178c6; color: #fff; border: 0; cursor: pointer; }
      [role='alert'] { color: light-dark(#c22, #ff7b72); }
    </style>
  </head>
  <body>
    <form method="post" action="/login?next=${encodeURIComponent(next)}">
      <img src="/static/favicons/favicon.ico" alt="" />
      <h1>gradbook</h1>
      <p>${hasPassword ? 'Password or token' : 'The token is in the address that the server printed at its start.'}</p>
      <input type="hidden" name="_xsrf" value="${xsrf}" />
      <input type="password" name="password" aria-label="Token" autocomplete="current-password" autofocus required />
      ${problem ? html`<p role="alert">${problem}</p>` : ''}
      <button type="submit">Log in</button>
    </form>
  </body>
</html>`;

/** `/login` trades the token or the password for a cookie, with a limit on guesses; `/logout` drops it. */
export function loginRoutes(policy: Policy): Hono {
  const routes = new Hono();
  const attempts = new Attempts();
  const formToken = policy.credentials.formToken();
  const show = (next: string, problem = '') => page(next, formToken, policy.credentials.hasPassword, problem);
  routes.get('/login', (c) => {
    const next = safeNext(c.req.query('next'));
    if (policy.credentials.isSession(getCookie(c, policy.cookieName))) return c.redirect(next);
    return c.html(show(next));
  });
  routes.post('/login', async (c) => {
    const next = safeNext(c.req.query('next'));
    const form = await c.req.parseBody();
    if (!same(String(form._xsrf ?? ''), formToken)) return c.html(show(next, 'Please try again.'), 403);
    const wait = attempts.wait();
    if (wait > 0) {
      c.header('Retry-After', String(wait));
      return c.html(show(next, `Too many wrong ones: try again in ${wait} s.`), 429);
    }
    const isRight = await attempts.try(async () => {
      const accepted = policy.credentials.accepts(String(form.password ?? ''));
      if (!accepted) await pause(500);
      return accepted;
    });
    if (!isRight) return c.html(show(next, 'That is not it.'), 401);
    admit(c, policy);
    return c.redirect(next);
  });
  routes.get('/logout', (c) => {
    deleteCookie(c, policy.cookieName, { path: '/' });
    return c.redirect('/login');
  });
  return routes;
}
