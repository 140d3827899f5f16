// The bundler's settings: those that JupyterLab's extensions are written for.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { rspack } from '@rspack/core';
import { root, themes } from './packages.js';
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

/** Of other packages those that JupyterLab starts with; what is loaded later must not come along. */
const atOnce = [
  '@codemirror/(autocomplete|commands|language|lint|search|state|view)',
  '@jupyter/(react-components|web-components|ydoc)',
  '@jupyter-widgets/(base|base-manager|jupyterlab-manager)',
  '@lezer/(common|generator|highlight|lr)',
  '@microsoft/[a-z-]+',
  '@rjsf/[a-z0-9-]+',
  '(ajv|ajv-formats|backbone|color|dayjs|entities|fast-uri|htmlparser2|jquery|json5|lib0|lodash[a-z.-]*|postcss|react|react-dom)',
  '(sanitize-html|scheduler|semver|tabbable|typestyle|underscore|url-parse|vscode-jsonrpc|yjs)',
];
const atOncePattern = new RegExp(
  `[\\\\/]node_modules[\\\\/](${atOnce.join('|').replaceAll('/', '[\\\\/]')})[\\\\/]`,
);
const isNeededAtOnce = (resource) => resource !== undefined && atOncePattern.test(resource);

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
        vendor: { test: ({ resource }) => isNeededAtOnce(resource), name: 'vendor' },
      },
    },
  },
  plugins: [
    new rspack.ProvidePlugin({ process: require.resolve('process/browser') }),
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
    new rspack.ProvidePlugin({ process: require.resolve('process/browser') }),
    new rspack.container.ModuleFederationPluginV1({
      name: widgets.name,
      library: { type: 'var', name: ['_JUPYTERLAB', widgets.name] },
      filename: 'remoteEntry.[contenthash].js',
      exposes: { './extension': widgets.folder },
      shared: widgetsShared(),
    }),
  ],
});
