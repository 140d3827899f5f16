/** Made by the build: how to load each extension that the packages bring. */
declare module 'generated-extensions' {
  export const extensions: [name: string, load: () => Promise<object>][];
  export const mimeExtensions: [name: string, load: () => Promise<object>][];
}

declare module '*.svg' {
  const source: string;
  export default source;
}

/** As `bundle/anywidget.js` makes it. */
declare module 'anywidget' {
  export default function classesOf(base: object): { AnyModel: never; AnyView: never };
}
