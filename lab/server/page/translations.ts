import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Hono } from 'hono';
import { jupyterDataPaths } from '../kernelspecs.ts';

const english = { displayName: 'English', nativeName: 'English' };

/** Language packs lie in `labextensions`' sibling `locale/<language>/<domain>.json`, in the form that the front end takes. */
function packs(): Map<string, Record<string, unknown>> {
  const found = new Map<string, Record<string, unknown>>();
  for (const folder of jupyterDataPaths().map((path) => join(path, 'lab', 'locale'))) {
    if (!existsSync(folder)) continue;
    for (const locale of readdirSync(folder)) {
      const domains: Record<string, unknown> = found.get(locale) ?? {};
      for (const file of readdirSync(join(folder, locale)).filter((name) => name.endsWith('.json')))
        domains[file.slice(0, -'.json'.length)] ??= JSON.parse(
          readFileSync(join(folder, locale, file), 'utf8'),
        );
      found.set(locale, domains);
    }
  }
  return found;
}

const namesOf = (locale: string): { displayName: string; nativeName: string } => {
  const tag = locale.replace('_', '-');
  const name = (language: string): string =>
    new Intl.DisplayNames([language], { type: 'language' }).of(tag) ?? locale;
  return { displayName: name('en'), nativeName: name(tag) };
};

/** `/lab/api/translations`: English is built in. */
export function translationRoutes(): Hono {
  const routes = new Hono();
  routes.get('/translations', (c) => {
    const data = Object.fromEntries([...packs().keys()].map((locale) => [locale, namesOf(locale)]));
    return c.json({ data: { en: english, ...data }, message: '' });
  });
  routes.get('/translations/:locale', (c) => {
    const { locale } = c.req.param();
    const pack = packs().get(locale);
    const builtIn = locale === 'default' || locale.startsWith('en');
    return c.json({
      data: pack ?? {},
      message: pack || builtIn ? '' : `Language pack '${locale}' not installed!`,
    });
  });
  return routes;
}
