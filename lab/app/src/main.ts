import { federatedExtensions, loadContainer } from './federation';

/** Shared packages can only be imported once the containers of all extensions have said what they bring. */
async function boot(): Promise<void> {
  const results = await Promise.allSettled(federatedExtensions().map(loadContainer));
  for (const result of results) if (result.status === 'rejected') console.error(result.reason);
  const { start } = await import(/* webpackChunkName: "start" */ './start');
  await start();
}

void boot();
