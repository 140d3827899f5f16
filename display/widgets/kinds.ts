import { type Kind, type Traits, Widget, type Wire } from './widget.ts';

const base = { module: '@jupyter-widgets/base', moduleVersion: '2.0.0' };
const controls = { module: '@jupyter-widgets/controls', moduleVersion: '2.0.0' };

/** CSS of a widget's box: `width`, `height`, `margin`, `padding`, `border`, `flex`, `gridTemplateColumns`, ... */
export interface LayoutTraits {
  alignContent: string | null;
  alignItems: string | null;
  alignSelf: string | null;
  borderTop: string | null;
  borderRight: string | null;
  borderBottom: string | null;
  borderLeft: string | null;
  bottom: string | null;
  display: string | null;
  flex: string | null;
  flexFlow: string | null;
  gridArea: string | null;
  gridAutoColumns: string | null;
  gridAutoFlow: string | null;
  gridAutoRows: string | null;
  gridColumn: string | null;
  gridGap: string | null;
  gridRow: string | null;
  gridTemplateAreas: string | null;
  gridTemplateColumns: string | null;
  gridTemplateRows: string | null;
  height: string | null;
  justifyContent: string | null;
  justifyItems: string | null;
  left: string | null;
  margin: string | null;
  maxHeight: string | null;
  maxWidth: string | null;
  minHeight: string | null;
  minWidth: string | null;
  objectFit: string | null;
  objectPosition: string | null;
  order: string | null;
  overflow: string | null;
  padding: string | null;
  right: string | null;
  top: string | null;
  visibility: string | null;
  width: string | null;
}

const layoutNames =
  'alignContent alignItems alignSelf borderTop borderRight borderBottom borderLeft bottom display flex flexFlow gridArea gridAutoColumns gridAutoFlow gridAutoRows gridColumn gridGap gridRow gridTemplateAreas gridTemplateColumns gridTemplateRows height justifyContent justifyItems left margin maxHeight maxWidth minHeight minWidth objectFit objectPosition order overflow padding right top visibility width'.split(
    ' ',
  );

const layoutKind: Kind = {
  ...base,
  model: 'LayoutModel',
  view: 'LayoutView',
  defaults: Object.fromEntries(layoutNames.map((name) => [name, null])),
};

/** A class of widgets with typed traits. */
export type WidgetClass<T> = new (values?: Partial<T>) => Widget & T;

const classOf = <T>(kind: Kind): WidgetClass<T> =>
  class extends Widget {
    constructor(values: Partial<T> = {}) {
      super(kind, values as Traits);
    }
  } as unknown as WidgetClass<T>;

/** How a widget lies on the page; shared by passing the same one to several widgets. */
export class Layout extends classOf<LayoutTraits>(layoutKind) {
  constructor({ border, ...values }: LayoutOptions = {}) {
    super(border === undefined ? values : { ...allBorders(border), ...values });
  }

  /** All four borders at once. */
  set border(border: string | null) {
    this.setTraits(allBorders(border));
  }
}

/** What a layout is made with. */
export type LayoutOptions = Partial<LayoutTraits> & { border?: string | null };

const allBorders = (border: string | null) => ({
  borderTop: border,
  borderRight: border,
  borderBottom: border,
  borderLeft: border,
});

/** What every widget that is seen has. */
export interface DomTraits {
  layout: Layout | LayoutOptions;
  tooltip: string | null;
  tabbable: boolean | null;
  disabled: boolean;
}

export interface DescribedTraits extends DomTraits {
  description: string;
  descriptionAllowHtml: boolean;
  /** Colours and fonts, by the names of ipywidgets' style of this widget, such as `{descriptionWidth: 'initial'}`. */
  style: Widget | Readonly<Record<string, unknown>>;
}

interface StyleSpec {
  model: string;
  defaults: Traits;
}
const text = { background: null, fontSize: null, textColor: null };
const styles = {
  DescriptionStyle: { descriptionWidth: '' },
  SliderStyle: { descriptionWidth: '', handleColor: null },
  ProgressStyle: { descriptionWidth: '', barColor: null },
  CheckboxStyle: { descriptionWidth: '', background: null },
  TextStyle: { descriptionWidth: '', ...text },
  LabelStyle: {
    descriptionWidth: '',
    ...text,
    fontFamily: null,
    fontStyle: null,
    fontVariant: null,
    fontWeight: null,
    textDecoration: null,
  },
  HTMLStyle: { descriptionWidth: '', ...text },
  ButtonStyle: {
    buttonColor: null,
    ...text,
    fontFamily: null,
    fontStyle: null,
    fontVariant: null,
    fontWeight: null,
    textDecoration: null,
  },
  ToggleButtonsStyle: { descriptionWidth: '', buttonWidth: '', fontWeight: '' },
} as const;
type StyleName = keyof typeof styles;

const styleKind = (name: StyleName): Kind => ({
  ...controls,
  model: `${name}Model`,
  view: null,
  defaults: styles[name] as StyleSpec['defaults'],
});

/** A style has the general view of its module, although nothing is seen of it. */
class Style extends Widget {
  constructor(name: StyleName, values: Traits = {}) {
    super(styleKind(name), values);
  }
  override wireState(names?: readonly string[]): Record<string, unknown> {
    const state = super.wireState(names);
    return '_model_name' in state
      ? {
          ...state,
          _view_module: base.module,
          _view_module_version: base.moduleVersion,
          _view_name: 'StyleView',
        }
      : state;
  }
}

const isPlain = (value: unknown): value is Traits =>
  typeof value === 'object' &&
  value !== null &&
  !(value instanceof Widget) &&
  Object.getPrototypeOf(value) === Object.prototype;

export type Check = NonNullable<Kind['check']>;

/** Options that are given as plain objects become the widgets that they describe. */
const domCheck =
  (style: StyleName | null, inner?: Check): Check =>
  (name, value, traits, widget) => {
    if (name === 'layout' && isPlain(value)) return new Layout(value);
    if (name === 'style' && style && isPlain(value)) return new Style(style, value);
    return inner ? inner(name, value, traits, widget) : value;
  };

/** The kind of a widget of `@jupyter-widgets/controls`. */
export function control(
  name: string,
  defaults: Traits,
  {
    style = null,
    view,
    check,
    wires,
  }: { style?: StyleName | null; view?: string; check?: Check; wires?: Record<string, Wire> } = {},
): Kind {
  return {
    ...controls,
    model: `${name}Model`,
    view: view ?? `${name}View`,
    defaults: {
      _dom_classes: () => [],
      layout: () => new Layout(),
      tooltip: null,
      tabbable: null,
      ...(style ? { style: () => new Style(style) } : {}),
      ...defaults,
    },
    check: domCheck(style, check),
    wires,
  };
}

/** As `control`, with a description before the widget. */
export const described = (
  name: string,
  defaults: Traits,
  options: Parameters<typeof control>[2] = {},
): Kind =>
  control(
    name,
    { description: '', descriptionAllowHtml: false, ...defaults },
    { style: 'DescriptionStyle', ...options },
  );

export { classOf };
