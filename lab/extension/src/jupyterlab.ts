/** What the renderer needs to know of JupyterLab; the real classes come from the page that loads it. */
export interface MimeModel {
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Widget {
  readonly node: HTMLElement;
  readonly isAttached: boolean;
  readonly isVisible: boolean;
  readonly isDisposed: boolean;
  addClass(name: string): void;
  dispose(): void;
}

/** `Widget` of `@lumino/widgets`. */
export type WidgetClass = new () => Widget & { onAfterAttach(message: unknown): void };

/** `IRenderMime.IExtension` of `@jupyterlab/rendermime-interfaces`. */
export interface MimeExtension {
  id: string;
  description: string;
  rendererFactory: {
    safe: boolean;
    mimeTypes: readonly string[];
    createRenderer(options: unknown): Widget & { renderModel(model: MimeModel): Promise<void> };
  };
  rank: number;
  dataType: 'json';
  fileTypes: { name: string; mimeTypes: string[]; extensions: string[] }[];
  documentWidgetFactoryOptions: {
    name: string;
    primaryFileType: string;
    fileTypes: string[];
    defaultFor: string[];
  };
}
