import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KernelManager, type KernelMessage, ServerConnection } from '@jupyterlab/services';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { buildFrontEnd } from './browserPage.ts';
import { jupyterPython, pythonHas } from './jupyter.ts';
import { labForTest, openLab } from './labServer.ts';

const write = (file: string, value: unknown): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
};

/** A virtual environment's folder, active until the test ends. */
function environment(prefix = mkdtempSync(join(tmpdir(), 'gradbook-environment-'))): string {
  vi.stubEnv('VIRTUAL_ENV', prefix);
  onTestFinished(() => void vi.unstubAllEnvs());
  return prefix;
}

const ids = {
  notebook: '@jupyterlab/notebook-extension:tracker',
  panel: '@jupyterlab/notebook-extension:panel',
};

describe('what others installed or chose, on Jupyter’s paths', () => {
  test('page_config.json: switched off, switched on again, and put off; the user’s over the environment’s', async () => {
    buildFrontEnd();
    const prefix = environment();
    onTestFinished(() => rmSync(prefix, { recursive: true, force: true }));
    write(join(prefix, 'etc/jupyter/labconfig/page_config.json'), {
      disabledExtensions: { 'everyone:off': true, 'user:on': true },
      quitButton: false,
      token: 'not theirs to set',
    });
    write(join(prefix, 'share/jupyter/lab/settings/page_config.json'), {
      disabledExtensions: ['listed:off'],
    });
    const disables = {
      name: 'stand-in',
      version: '1.0.0',
      jupyterlab: { _build: { load: 'static/a.js' }, disabledExtensions: ['replaced:plugin'] },
    };
    write(join(prefix, 'share/jupyter/labextensions/stand-in/package.json'), disables);
    write(join(prefix, 'share/jupyter/labextensions/@off/stand-in/package.json'), {
      ...disables,
      name: '@off/stand-in',
      jupyterlab: { ...disables.jupyterlab, disabledExtensions: ['kept:plugin'] },
    });
    const lab = await labForTest();
    const user = join(process.env.JUPYTER_CONFIG_DIR!, 'labconfig');
    write(join(user, 'page_config.json'), {
      disabledExtensions: { 'user:on': false, 'user:off': true, '@off/stand-in': true },
      deferredExtensions: { 'user:later': true },
    });
    write(join(user, 'page_config.d/broken.json'), '{');
    const page = await lab.request('GET', 'lab', undefined, { accept: 'text/html' });
    const config = JSON.parse(/id="jupyter-config-data"[^>]*>(.*?)<\/script>/.exec(page.text)![1]);
    expect(config.disabledExtensions).toEqual(
      expect.arrayContaining(['everyone:off', 'listed:off', 'user:off', 'replaced:plugin', '@off/stand-in']),
    );
    expect(config.disabledExtensions).not.toContain('user:on');
    expect(config.disabledExtensions).not.toContain('kept:plugin');
    expect(config).toMatchObject({ deferredExtensions: ['user:later'], quitButton: false, token: '' });
  }, 600_000);

  test('overrides.json and default_setting_overrides.json change the defaults of settings, one over the other', async () => {
    buildFrontEnd();
    const prefix = environment();
    onTestFinished(() => rmSync(prefix, { recursive: true, force: true }));
    write(
      join(prefix, 'share/jupyter/lab/settings/overrides.json'),
      `// everyone's\n${JSON.stringify({ [ids.notebook]: { codeCellConfig: { lineNumbers: true, lineWrap: true }, windowingMode: 'none' } })}`,
    );
    const lab = await labForTest();
    write(join(process.env.JUPYTER_CONFIG_DIR!, 'labconfig/default_setting_overrides.json'), {
      [ids.notebook]: { codeCellConfig: { lineWrap: false } },
    });
    const { properties } = (await lab.request('GET', `lab/api/settings/${ids.notebook}`)).json.schema;
    expect(properties.codeCellConfig.default).toMatchObject({ lineNumbers: true, lineWrap: false });
    expect(properties.windowingMode.default).toBe('none');
    const all = (await lab.request('GET', 'lab/api/settings')).json.settings as {
      id: string;
      schema: typeof properties;
    }[];
    const { schema } = all.find(({ id }) => id === ids.notebook)!;
    expect(schema.properties.windowingMode).toMatchObject({ default: 'none', type: 'string' });
    // What the user writes is refused where it is no JSON, and kept with its comments where it is.
    const path = `lab/api/settings/${ids.panel}`;
    expect((await lab.request('PUT', path, { raw: '{"a": ' })).status).toBe(400);
    expect((await lab.request('PUT', path, { raw: '// mine\n{"a": 1}' })).status).toBe(204);
    expect((await lab.request('GET', path)).json).toMatchObject({
      raw: '// mine\n{"a": 1}',
      settings: { a: 1 },
    });
  }, 600_000);

  test('a language pack is offered under its names, and given by its domains', async () => {
    const lab = await openLab({}, (data) =>
      write(join(data, 'lab/locale/zh_CN/jupyterlab.json'), { '': { language: 'zh_CN' }, File: ['文件'] }),
    );
    onTestFinished(() => lab.close());
    expect((await lab.request('GET', 'lab/api/translations')).json.data).toEqual({
      en: { displayName: 'English', nativeName: 'English' },
      zh_CN: { displayName: 'Chinese (China)', nativeName: '中文（中国）' },
    });
    expect((await lab.request('GET', 'lab/api/translations/zh_CN')).json.data.jupyterlab.File).toEqual([
      '文件',
    ]);
    expect((await lab.request('GET', 'lab/api/translations/xx_XX')).json.message).toMatch(/not installed/);
  });

  test.skipIf(!jupyterPython || !pythonHas(jupyterPython, 'ipykernel'))(
    'a Python kernel runs, is interrupted and keeps its variables (skipped where no Python has ipykernel)',
    async () => {
      for (const level of ['log', 'warn', 'info', 'debug'] as const)
        vi.spyOn(console, level).mockImplementation(() => {});
      environment(
        execFileSync(jupyterPython!, ['-c', 'import sys; print(sys.prefix)'], { encoding: 'utf8' }).trim(),
      );
      const lab = await labForTest();
      const serverSettings = ServerConnection.makeSettings({
        baseUrl: lab.server.url,
        wsUrl: lab.server.url.replace('http', 'ws'),
        token: lab.server.token,
        appendToken: true,
        WebSocket: WebSocket as never,
      });
      const manager = new KernelManager({ serverSettings });
      const kernel = await manager.startNew({ name: 'python3' });
      expect((await kernel.info).language_info.name).toBe('python');
      const run = async (code: string, running?: () => void): Promise<[string, string]> => {
        const future = kernel.requestExecute({ code });
        let text = '';
        future.onIOPub = ({ header, content }) => {
          if (header.msg_type !== 'stream') return;
          text += (content as KernelMessage.IStreamMsg['content']).text;
          running?.();
        };
        const { content } = await future.done;
        return [content.status, text];
      };
      expect(await run('import sys\nkept = 42\nprint(kept, sys.prefix == sys.exec_prefix)')).toEqual([
        'ok',
        '42 True\n',
      ]);
      const endless = 'import time\nprint("on", flush=True)\nwhile True: time.sleep(0.01)';
      const interrupted = await run(endless, () => void kernel.interrupt());
      expect(interrupted[0]).toBe('error');
      expect(await run('print(kept)')).toEqual(['ok', '42\n']);
      await kernel.restart();
      expect((await run('print(kept)'))[0]).toBe('error');
      await kernel.shutdown();
      manager.dispose();
    },
    180_000,
  );
});
