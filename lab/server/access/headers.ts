import type { MiddlewareHandler } from 'hono';

/** What files of the user's may do in a page of their own: nothing in the name of this server. */
export const sandbox =
  "sandbox allow-scripts allow-popups; frame-ancestors 'self'; report-uri /api/security/csp-report";

/** No other site frames, sniffs or learns the address of a page here. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  c.header('X-Content-Type-Options', 'nosniff');
  c.header('Referrer-Policy', 'same-origin');
  c.header('Cross-Origin-Opener-Policy', 'same-origin');
  c.header('Cross-Origin-Resource-Policy', 'same-origin');
  if (!c.res.headers.has('Content-Security-Policy'))
    c.header('Content-Security-Policy', "frame-ancestors 'self'; object-src 'none'; base-uri 'self'");
};
