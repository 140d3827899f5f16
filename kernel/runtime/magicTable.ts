/** The magics and what each is for, for `%lsmagic`, completion and help. */
export const lineMagics: Readonly<Record<string, string>> = {
  time: '%time EXPRESSION: runs it once, shows its value and how long it took',
  timeit: '%timeit EXPRESSION: runs it many times, shows the best and the mean time',
  who: '%who: the names that cells have declared',
  reset: '%reset: forgets every variable',
  cd: '%cd FOLDER: changes the folder that relative imports and files start from',
  env: '%env [NAME[=VALUE]]: shows or sets environment variables',
  load: '%load FILE: puts the text of a file into the next cell',
  run: '%run FILE: runs a TypeScript or JavaScript file as a cell, so that its names are there afterwards',
  npm: '%npm ARGUMENTS: runs npm in the notebook’s folder, for instance %npm install lodash',
  check: '%check off|warn|error|strict: how strictly the following cells are type-checked',
  sx: '!COMMAND: runs a shell command and shows its output',
  help: '?NAME: the type and documentation of a name',
  lsmagic: '%lsmagic: this list',
};

export const cellMagics: Readonly<Record<string, string>> = {
  html: '%%html: shows the cell as HTML',
  javascript: '%%javascript: runs the cell in the browser',
  markdown: '%%markdown: shows the cell as Markdown',
  writefile: '%%writefile FILE: writes the cell into a file',
};
