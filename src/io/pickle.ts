/** What a pickle names instead of holding it. */
export type PersistentLoad = (id: unknown) => unknown;

/** The functions and classes that a pickle may call, as `module.name`: nothing else is ever run. */
export type Globals = Readonly<Record<string, (...args: unknown[]) => unknown>>;

/** A reference to something callable. */
class Callable {
  readonly name: string;
  readonly call: (...args: unknown[]) => unknown;
  constructor(name: string, call: (...args: unknown[]) => unknown) {
    this.name = name;
    this.call = call;
  }
}

const mark = Symbol('mark');

/**
 * Reads a pickle (protocols 0 to 5, what data need of them): numbers, text, lists, tuples (as arrays), dictionaries (as Maps), and
 * calls of `globals`. Anything else that it wants to import is refused, so that a file cannot run code.
 *
 * Source: Python's `pickletools`, which documents each opcode.
 */
export function unpickle(bytes: Uint8Array, globals: Globals, persistentLoad: PersistentLoad): unknown {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder();
  const stack: unknown[] = [];
  const memo = new Map<number, unknown>();
  let place = 0;

  const take = (count: number): Uint8Array => {
    if (place + count > bytes.length) throw new Error(`pickle: ends in the middle, at ${bytes.length} bytes`);
    return bytes.subarray(place, (place += count));
  };
  /** Goes on by `count` bytes; returns where they begin. */
  const skip = (count: number): number => {
    take(count);
    return place - count;
  };
  const byte = (): number => take(1)[0];
  const uint16 = (): number => view.getUint16(skip(2), true);
  const int32 = (): number => view.getInt32(skip(4), true);
  const uint32 = (): number => view.getUint32(skip(4), true);
  const uint64 = (): number => Number(view.getBigUint64(skip(8), true));
  const line = (): string => {
    const end = bytes.indexOf(0x0a, place);
    if (end < 0) throw new Error('pickle: a line has no end');
    const found = text.decode(bytes.subarray(place, end));
    place = end + 1;
    return found;
  };
  const pop = (): unknown => {
    if (stack.length === 0) throw new Error('pickle: takes from an empty stack');
    return stack.pop();
  };
  const popToMark = (): unknown[] => {
    const at = stack.lastIndexOf(mark);
    if (at < 0) throw new Error('pickle: a mark is missing');
    const items = stack.splice(at + 1);
    stack.pop();
    return items;
  };
  const long = (data: Uint8Array): number => {
    let value = 0n;
    for (let i = data.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(data[i]);
    if (data.length > 0 && data[data.length - 1] & 0x80) value -= 1n << BigInt(8 * data.length);
    return Number(value);
  };
  const global = (module: string, name: string): Callable => {
    const call = globals[`${module}.${name}`];
    if (!call)
      throw new Error(
        `pickle: wants ${module}.${name}, which is not data: save a state dict (tensors by name) instead`,
      );
    return new Callable(`${module}.${name}`, call);
  };
  const call = (callee: unknown, args: unknown): unknown => {
    if (!(callee instanceof Callable)) throw new Error('pickle: calls what is not callable');
    return callee.call(...(args as unknown[]));
  };
  const setItems = (target: unknown, items: readonly unknown[]): void => {
    if (!(target instanceof Map)) throw new Error('pickle: sets items of what is not a dictionary');
    for (let i = 0; i < items.length; i += 2) target.set(items[i], items[i + 1]);
  };

  for (;;) {
    const opcode = String.fromCharCode(byte());
    switch (opcode) {
      case '\x80': // PROTO
        byte();
        break;
      case '\x95': // FRAME
        take(8);
        break;
      case '.': // STOP
        return pop();
      case '(':
        stack.push(mark);
        break;
      case '0':
        pop();
        break;
      case '1':
        popToMark();
        break;
      case '2':
        stack.push(stack[stack.length - 1]);
        break;
      case 'N':
        stack.push(null);
        break;
      case '\x88':
        stack.push(true);
        break;
      case '\x89':
        stack.push(false);
        break;
      case 'I': {
        const value = line();
        stack.push(value === '01' ? true : value === '00' ? false : Number(value));
        break;
      }
      case 'J':
        stack.push(int32());
        break;
      case 'K':
        stack.push(byte());
        break;
      case 'M':
        stack.push(uint16());
        break;
      case 'L':
        stack.push(Number(line().replace(/L$/, '')));
        break;
      case '\x8a':
        stack.push(long(take(byte())));
        break;
      case '\x8b':
        stack.push(long(take(int32())));
        break;
      case 'F':
        stack.push(Number(line()));
        break;
      case 'G':
        stack.push(view.getFloat64(skip(8)));
        break;
      case 'X':
        stack.push(text.decode(take(uint32())));
        break;
      case '\x8c':
        stack.push(text.decode(take(byte())));
        break;
      case '\x8d':
        stack.push(text.decode(take(uint64())));
        break;
      case 'V':
        stack.push(line());
        break;
      case 'U':
        stack.push(text.decode(take(byte())));
        break;
      case 'T':
        stack.push(text.decode(take(int32())));
        break;
      case 'C':
        stack.push(take(byte()));
        break;
      case 'B':
        stack.push(take(uint32()));
        break;
      case '\x8e':
        stack.push(take(uint64()));
        break;
      case ']':
        stack.push([]);
        break;
      case 'a': {
        const item = pop();
        (stack[stack.length - 1] as unknown[]).push(item);
        break;
      }
      case 'e': {
        const items = popToMark();
        (stack[stack.length - 1] as unknown[]).push(...items);
        break;
      }
      case 'l':
        stack.push(popToMark());
        break;
      case ')':
        stack.push([]);
        break;
      case 't':
        stack.push(popToMark());
        break;
      case '\x85':
        stack.push([pop()]);
        break;
      case '\x86':
        stack.push(stack.splice(-2));
        break;
      case '\x87':
        stack.push(stack.splice(-3));
        break;
      case '}':
        stack.push(new Map());
        break;
      case 'd': {
        const items = popToMark();
        const made = new Map();
        setItems(made, items);
        stack.push(made);
        break;
      }
      case 's': {
        const [key, value] = stack.splice(-2);
        setItems(stack[stack.length - 1], [key, value]);
        break;
      }
      case 'u': {
        const items = popToMark();
        setItems(stack[stack.length - 1], items);
        break;
      }
      case '\x8f':
        stack.push(new Set());
        break;
      case '\x90': {
        const items = popToMark();
        for (const item of items) (stack[stack.length - 1] as Set<unknown>).add(item);
        break;
      }
      case 'c':
        stack.push(global(line(), line()));
        break;
      case '\x93': {
        const [module, name] = stack.splice(-2) as [string, string];
        stack.push(global(module, name));
        break;
      }
      case 'R':
      case '\x81': {
        const [callee, args] = stack.splice(-2);
        stack.push(call(callee, args));
        break;
      }
      case 'b': {
        // Attributes of an object: an ordered dictionary's are metadata, which data do not need.
        const state = pop();
        const target = stack[stack.length - 1];
        if (!(target instanceof Map))
          throw new Error(`pickle: sets the state ${String(state)} of what is not data`);
        break;
      }
      case 'Q':
        stack.push(persistentLoad(pop()));
        break;
      case 'P':
        stack.push(persistentLoad(line()));
        break;
      case 'p':
        memo.set(Number(line()), stack[stack.length - 1]);
        break;
      case 'q':
        memo.set(byte(), stack[stack.length - 1]);
        break;
      case 'r':
        memo.set(uint32(), stack[stack.length - 1]);
        break;
      case '\x94':
        memo.set(memo.size, stack[stack.length - 1]);
        break;
      case 'g':
        stack.push(memo.get(Number(line())));
        break;
      case 'h':
        stack.push(memo.get(byte()));
        break;
      case 'j':
        stack.push(memo.get(uint32()));
        break;
      default:
        throw new Error(
          `pickle: opcode 0x${opcode.charCodeAt(0).toString(16)} at ${place - 1} is not one that data need`,
        );
    }
  }
}
