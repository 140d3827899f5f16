// anywidget comes as a script for an AMD loader: this makes it a module that exports its factory of widget classes.
const asModule = /^define\(\["@jupyter-widgets\/base"\], (\w+)\);?\s*$/m;

export default function anywidget(source) {
  if (!asModule.test(source))
    throw new Error('anywidget: its script does not end in the define() that is known');
  return source.replace(asModule, 'export default $1;');
}
