/** A parameter of PyTorch's, from a record's `torch` signature. */
interface Parameter {
  name: string;
  /** Stands behind `*`: a field of our options object. */
  option: boolean;
  /** `*name`: takes what positional arguments are left, as a list here. */
  variadic: boolean;
}

/** snake_case as camelCase. */
export const camel = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The name and parameters of a signature such as `sum(input, dim=None, *, keepdim=False)`. Error: another form. */
export function parseSignature(signature: string): { name: string; parameters: Parameter[] } {
  const match = /^([\w.]+)\((.*)\)$/.exec(signature);
  if (!match) throw new Error(`'${signature}' is not a signature`);
  let option = false;
  const parameters: Parameter[] = [];
  for (const part of match[2]
    .split(/,(?![^[(]*[\])])/)
    .map((p) => p.trim())
    .filter(Boolean)) {
    if (part === '*') {
      option = true;
      continue;
    }
    const variadic = part.startsWith('*');
    parameters.push({ name: part.replace('*', '').split('=')[0].trim(), option, variadic });
    option ||= variadic;
  }
  return { name: match[1], parameters };
}

/** Operators whose cases pass the tensor of the method first, where the function has it elsewhere: places in the function's order. */
const methodOrder: Readonly<Record<string, readonly number[]>> = {
  where: [1, 0, 2],
  einsum: [1, 0],
  'nn.functional.embedding': [1, 0],
  polygamma: [1, 0],
};

/** The last of the positional arguments as a list, where the operator takes any number of them. */
function gathered(args: readonly unknown[], parameters: readonly Parameter[]): readonly unknown[] {
  const rest = parameters.findIndex((p) => p.variadic);
  if (rest < 0 || Array.isArray(args[rest]) || Array.isArray(args[0])) return args;
  return [...args.slice(0, rest), args.slice(rest)];
}

/** Our arguments for PyTorch's: positional ones in order, then the options object. Error: an argument that we do not take. */
export function bindArguments(
  signature: string,
  passed: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): unknown[] {
  const { name, parameters } = parseSignature(signature);
  const args = gathered(passed, parameters);
  if (args.length > parameters.length)
    throw new Error(`${name}: ${args.length} arguments for ${parameters.length} parameters`);
  const places = methodOrder[name] ?? args.map((_, i) => i);
  const given = new Map<string, unknown>(args.map((value, i) => [parameters[places[i]].name, value]));
  for (const [key, value] of Object.entries(kwargs)) {
    if (!parameters.some((p) => p.name === key)) throw new Error(`${name}: no parameter '${key}'`);
    given.set(key, value);
  }
  const positional = parameters
    .filter((p) => !p.option)
    .map((p) => (given.has(p.name) ? given.get(p.name) : undefined));
  const options = parameters
    .filter((p) => p.option && given.has(p.name))
    .map((p) => [camel(p.name), given.get(p.name)]);
  while (positional.length > 0 && positional.at(-1) === undefined && options.length === 0) positional.pop();
  return options.length > 0 ? [...positional, Object.fromEntries(options)] : positional;
}
