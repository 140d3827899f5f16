// The bundler's settings: those that JupyterLab's extensions are written for.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rspack } from '@rspack/core';
import { installed, root, themes } from './packages.js';
import { sharedPackages } from './shared.js';
import { widgets, widgetsShared } from './widgets.js';

const require = createRequire(import.meta.url);
const svgToDataUri = require('mini-svg-data-uri');

const assets = [
  { test: /\.raw\.css$/, type: 'asset/source' },
  { test: /(?<!\.raw)\.css$/, use: [require.resolve('style-loader'), require.resolve('css-loader')] },
  { test: /\.(md|txt)$/, type: 'asset/source' },
  {
    test: /\.svg(\?v=\d+\.\d+\.\d+)?$/,
    issuer: /\.css$/,
    type: 'asset',
    generator: { dataUrl: (content) => svgToDataUri(content.toString()) },
  },
  { test: /\.svg(\?v=\d+\.\d+\.\d+)?$/, issuer: { not: [/\.css$/] }, type: 'asset/source' },
  { test: /\.(jpe?g|png|gif|ico|eot|ttf|map|woff2?)(\?v=\d+\.\d+\.\d+)?$/, type: 'asset/resource' },
  { test: /\.(js|mjs)$/, resolve: { fullySpecified: false } },
  { test: /\.m?js$/, type: 'javascript/auto' },
  {
    test: /[\\/]anywidget[\\/]dist[\\/]index\.js$/,
    loader: fileURLToPath(new URL('anywidget.js', import.meta.url)),
  },
  {
    test: /\.ts$/,
    loader: 'builtin:swc-loader',
    options: { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' } },
  },
];

const base = (cache) => ({
  mode: 'production',
  context: root,
  devtool: false,
  cache: { type: 'persistent', storage: { type: 'filesystem', directory: cache } },
  performance: { hints: false },
  stats: 'errors-only',
});

/** What the sources take as given. */
const constants = () => [
  new rspack.ProvidePlugin({ process: require.resolve('process/browser') }),
  new rspack.DefinePlugin({ ANYWIDGET_VERSION: JSON.stringify(installed('anywidget').manifest.version) }),
];

/** Of other packages those that JupyterLab starts with; what is loaded later must not come along. */
const atOnce = [
  '@codemirror/(autocomplete|commands|language|lint|search|state|streamparser|view)',
  '@jupyter/(react-components|web-components|ydoc)',
  '@jupyter-widgets/(base|base-manager|jupyterlab-manager|output)',
  '@jupyter-widgets/controls/css',
  '@fortawesome/[a-z-]+',
  '@lezer/(common|generator|highlight|lr)',
  '@lumino/datagrid/style',
  '@marijn/find-cluster-break',
  '@microsoft/[a-z-]+',
  '@rjsf/[a-z0-9-]+',
  '(ajv|ajv-formats|backbone|base64-js|color|color-convert|color-name|color-string|compute-gcd|compute-lcm|crelt|css-loader)',
  '(dayjs|deepmerge|dom-serializer|domelementtype|domhandler|domutils|entities|escape-string-regexp|exenv-es6)',
  '(fast-deep-equal|fast-uri|free-style|htmlparser2|is-plain-object|jquery|json5|jsonpointer)',
  '(json-schema-compare|json-schema-merge-allof|json-schema-traverse|launder|lib0|lodash[a-z.-]*|markdown-to-jsx|minimist)',
  '(nanoid|parse-srcset|path-browserify|picocolors|postcss|process|querystringify|react|react-dom|react-is|react-paginate)',
  'react-toastify/.*css',
  '(requires-port|sanitize-html|scheduler|semver|style-loader|style-mod|tabbable|tslib|typestyle|underscore|url-parse)',
  '(validate\\.io-[a-z-]+|vscode-jsonrpc|vscode-ws-jsonrpc|w3c-keyname|y-protocols|yjs)',
];
const atOncePattern = new RegExp(
  `[\\\\/]node_modules[\\\\/](${atOnce.join('|').replaceAll('/', '[\\\\/]')})[\\\\/]`,
);
/** Modules without a file are those that Node has and a browser has not. */
const isNeededAtOnce = (module) =>
  module.resource === undefined
    ? module.identifier().startsWith('ignored|')
    : module.resource.startsWith('data:image') || atOncePattern.test(module.resource);

const resolve = {
  modules: [join(root, 'node_modules'), 'node_modules'],
  extensions: ['.ts', '.js', '.mjs', '.json'],
  fallback: { url: false, buffer: false, crypto: false, path: require.resolve('path-browserify') },
};

/** The page's script, of which other bundles' extensions take the shared packages. */
export const page = ({ output, cache, generated, onProgress }) => ({
  ...base(cache),
  name: 'page',
  entry: { main: join(root, 'src/main.ts') },
  output: { path: output, publicPath: 'auto', filename: '[name].[contenthash].js', hashFunction: 'xxhash64' },
  resolve: { ...resolve, alias: { 'generated-extensions': generated } },
  module: { rules: assets },
  externals: ['ws'],
  optimization: {
    splitChunks: {
      chunks: 'all',
      cacheGroups: {
        jlab_core: {
          test: /[\\/]node_modules[\\/]@(jupyterlab|lumino(?!\/datagrid))[\\/]/,
          name: 'jlab_core',
        },
        vendor: { test: isNeededAtOnce, name: 'vendor' },
        // The list of extensions is made in a folder of packages, but belongs to the page's own start.
        defaultVendors: {
          test: ({ resource }) => resource !== generated && /[\\/]node_modules[\\/]/.test(resource ?? ''),
          priority: -10,
          reuseExistingChunk: true,
        },
      },
    },
  },
  plugins: [
    ...constants(),
    new rspack.container.ModuleFederationPlugin({
      name: 'CORE_FEDERATION',
      library: { type: 'var', name: ['_JUPYTERLAB', 'CORE_LIBRARY_FEDERATION'] },
      shared: sharedPackages(),
    }),
    new rspack.ProgressPlugin(onProgress),
  ],
});

/** A style sheet for each theme, with its images inside. */
export const themeSheets = ({ output, cache }) => ({
  ...base(cache),
  name: 'themes',
  entry: themes,
  output: { path: output, filename: '[name]/unused.js', publicPath: '' },
  module: {
    rules: [
      { test: /\.css$/, use: [rspack.CssExtractRspackPlugin.loader, require.resolve('css-loader')] },
      {
        test: /\.svg/,
        type: 'asset/inline',
        generator: { dataUrl: (content) => svgToDataUri(content.toString()) },
      },
      { test: /\.(png|gif|jpe?g|woff2?|ttf|eot)$/, type: 'asset/inline' },
    ],
  },
  plugins: [new rspack.CssExtractRspackPlugin({ filename: '[name]/index.css' })],
});

/** The manager of widgets for a JupyterLab that somebody else built. */
export const prebuiltWidgets = ({ output, cache }) => ({
  ...base(cache),
  name: 'widgets',
  entry: {},
  output: { path: output, publicPath: 'auto', filename: '[name].[contenthash].js', hashFunction: 'xxhash64' },
  resolve,
  module: { rules: assets },
  plugins: [
    ...constants(),
    new rspack.container.ModuleFederationPluginV1({
      name: widgets.name,
      library: { type: 'var', name: ['_JUPYTERLAB', widgets.name] },
      filename: 'remoteEntry.[contenthash].js',
      exposes: { './extension': join(root, 'src/prebuiltWidgets.ts') },
      shared: widgetsShared(),
    }),
  ],
});
