import { parse } from 'hono/utils/cookie';
import { type Credentials, same } from './credentials.ts';

/** What a request or a socket says of where it comes from. */
export interface Origin {
  method: string;
  url: URL;
  header(name: string): string | undefined;
}

/** `host`, `host:port` and `[v6]:port` without the port. */
const nameOf = (host: string): string => host.replace(/:\d+$/, '').toLowerCase();

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

export interface Policy {
  credentials: Credentials;
  /** Names under which the server may be addressed; loopback always is. */
  hosts: ReadonlySet<string>;
  /** Of the session's cookie; browsers keep one jar for all ports of a host. */
  cookieName: string;
}

/** A page elsewhere may point a name of its own at this server (DNS rebinding): names that are not known are refused. */
export function isKnownHost(host: string | undefined, { hosts }: Pick<Policy, 'hosts'>): boolean {
  if (!host) return false;
  const name = nameOf(host);
  return loopback.has(name) || hosts.has(name);
}

/** Whether the request's page is ours. Programs send no Origin. */
function isOwnOrigin(origin: Origin): boolean {
  const from = origin.header('origin');
  if (from !== undefined) {
    const host = origin.header('host');
    return from === `http://${host}` || from === `https://${host}`;
  }
  const site = origin.header('sec-fetch-site');
  return site === undefined || site === 'same-origin' || site === 'none';
}

const tokenIn = (origin: Origin): string | undefined =>
  /^(?:token|bearer) +(.+)$/i.exec(origin.header('authorization') ?? '')?.[1] ??
  origin.url.searchParams.get('token') ??
  undefined;

const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

/** How a request is let in, or why it is not. */
export type Verdict =
  | { by: 'token' | 'cookie'; refusal?: undefined }
  | { refusal: string; anonymous?: boolean };

/**
 * Decides on a request, in this order: the host's name, the token or the cookie, the page's origin, and for what changes
 * something under a cookie the XSRF token (the `_xsrf` cookie repeated in the `X-XSRFToken` header, as Jupyter Server).
 */
export function judge(origin: Origin, policy: Policy): Verdict {
  if (!isKnownHost(origin.header('host'), policy)) return { refusal: 'this host is not allowed' };
  const token = tokenIn(origin);
  if (token !== undefined && policy.credentials.isToken(token)) {
    const upgrades = origin.header('upgrade') !== undefined;
    return upgrades && !isOwnOrigin(origin) ? { refusal: 'another origin' } : { by: 'token' };
  }
  const cookies = parse(origin.header('cookie') ?? '');
  if (!policy.credentials.isSession(cookies[policy.cookieName]))
    return { refusal: token === undefined ? 'Forbidden' : 'Invalid credentials', anonymous: true };
  if (isSafe(origin.method)) {
    // A socket is opened with GET, and answers any page that may open it.
    const upgrades = origin.header('upgrade') !== undefined;
    return upgrades && !isOwnOrigin(origin) ? { refusal: 'another origin' } : { by: 'cookie' };
  }
  if (!isOwnOrigin(origin)) return { refusal: 'another origin' };
  const xsrf = cookies._xsrf;
  const repeated = origin.header('x-xsrftoken') ?? origin.url.searchParams.get('_xsrf') ?? '';
  if (!xsrf || !same(repeated, xsrf)) return { refusal: "'_xsrf' argument missing or wrong" };
  return { by: 'cookie' };
}
