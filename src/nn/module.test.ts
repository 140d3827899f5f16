import { describe, expect, test } from 'vitest';
import { F, nn, ones, type Tensor, tensor, zeros } from '../index.ts';

class Scale extends nn.Module {
  factor: nn.Parameter;
  calls = new nn.Buffer(zeros([]));
  scratch = new nn.Buffer(ones([2]), { persistent: false });
  constructor(size: number) {
    super();
    this.factor = new nn.Parameter(ones([size]));
  }
  override extraRepr(): string {
    return `size=${this.factor.size}`;
  }
  forward(x: Tensor): Tensor {
    return x.mul(this.factor);
  }
}

class Net extends nn.Module {
  firstScale = new Scale(2);
  body = new nn.Sequential(new Scale(2), new Scale(2));
  forward(x: Tensor): Tensor {
    return F.relu(this.body(this.firstScale(x)));
  }
}

describe('a module', () => {
  test('is called like a function, and knows its parts under PyTorch names', () => {
    const net = new Net();
    expect(net(tensor([1, -2])).toArray()).toEqual([1, 0]);
    expect(net).toBeInstanceOf(nn.Module);
    expect(Object.keys(net.stateDict())).toEqual([
      'first_scale.factor',
      'first_scale.calls',
      'body.0.factor',
      'body.0.calls',
      'body.1.factor',
      'body.1.calls',
    ]);
    expect(net.namedModules().map(([name]) => name)).toEqual(['', 'first_scale', 'body', 'body.0', 'body.1']);
    expect(net.buffers()).toHaveLength(6);
    expect(net.getParameter('body.1.factor')).toBe(net.body.at(1).factor);
    expect(() => net.getSubmodule('body.7')).toThrow(/Sequential has no submodule '7'.*it has 0, 1/);
  });

  test('prints as PyTorch prints', () => {
    expect(String(new Net())).toBe(
      [
        'Net(',
        '  (first_scale): Scale(size=2)',
        '  (body): Sequential(',
        '    (0): Scale(size=2)',
        '    (1): Scale(size=2)',
        '  )',
        ')',
      ].join('\n'),
    );
    expect(String(new nn.Sequential())).toBe('Sequential()');
    expect(String(new nn.ModuleList([new Scale(2), new Scale(2), new Scale(3)]))).toBe(
      'ModuleList(\n  (0-1): 2 x Scale(size=2)\n  (2): Scale(size=3)\n)',
    );
    expect(String(new nn.ParameterList([ones([2, 3])]))).toBe(
      'ParameterList(  (0): Parameter containing: [torch.float32 of size 2x3])',
    );
  });

  test('a shared layer has two parameters and four keys in the state dict', () => {
    class Affine extends nn.Module {
      weight = new nn.Parameter(ones([2]));
      bias = new nn.Parameter(zeros([2]));
      forward(x: Tensor): Tensor {
        return x.mul(this.weight).add(this.bias);
      }
    }
    const layer = new Affine();
    const list = new nn.ModuleList([layer, layer]);
    expect(list.parameters()).toHaveLength(2);
    expect(Object.keys(list.stateDict())).toEqual(['0.weight', '0.bias', '1.weight', '1.bias']);
  });

  test('train and eval reach all modules; apply visits children first', () => {
    const net = new Net();
    net.eval();
    expect(net.modules().map((m) => m.training)).toEqual([false, false, false, false, false]);
    const order: string[] = [];
    net.apply((m) => void order.push(m.typeName));
    expect(order).toEqual(['Scale', 'Scale', 'Scale', 'Sequential', 'Net']);
  });

  test('loadStateDict copies values, and lists everything that does not fit, changing nothing then', () => {
    const net = new Scale(2);
    const factor = net.factor;
    expect(() => net.loadStateDict({ factor: ones([3]), extra: ones([1]) })).toThrow(
      'Error(s) in loading state_dict for Scale:\n\tMissing key(s) in state_dict: "calls". \n\tUnexpected key(s) in state_dict: "extra". \n\tsize mismatch for factor: copying a param with shape torch.Size([3]) from checkpoint, the shape in current model is torch.Size([2]).',
    );
    expect(net.loadStateDict({ factor: tensor([3, 4]) }, { strict: false })).toEqual({
      missingKeys: ['calls'],
      unexpectedKeys: [],
    });
    expect(net.factor).toBe(factor);
    expect(net.factor.toArray()).toEqual([3, 4]);
  });

  test('to converts in place: the parameter objects stay, and gradients arrive in the new dtype', () => {
    const net = new Scale(2);
    const factor = net.factor;
    net(tensor([1, 2]))
      .sum()
      .backward();
    net.double();
    expect(net.factor).toBe(factor);
    expect(factor.dtype).toBe('float64');
    expect(factor.grad?.dtype).toBe('float64');
    net(tensor([1, 2], { dtype: 'float64' }))
      .sum()
      .backward();
    expect(factor.grad?.toArray()).toEqual([2, 4]);
    expect(net.calls.dtype).toBe('float64');
    net.zeroGrad();
    expect(factor.grad).toBeNull();
    expect(net.requiresGrad_(false).factor.requiresGrad).toBe(false);
  });

  test('forward hooks see and replace inputs and outputs until they are removed', () => {
    const net = new Scale(2);
    const pre = net.registerForwardPreHook((_m, [x]) => [x.mul(2)]);
    const seen: unknown[] = [];
    const post = net.registerForwardHook((_m, [x], out) => {
      seen.push(x.toArray());
      return out.add(1);
    });
    expect(net(tensor([1, 2])).toArray()).toEqual([3, 5]);
    expect(seen).toEqual([[2, 4]]);
    pre.remove();
    post.remove();
    expect(net(tensor([1, 2])).toArray()).toEqual([1, 2]);
  });

  test('full backward hooks see the gradients at the module, and replace those of its inputs', () => {
    const net = new Scale(2);
    net.factor = new nn.Parameter(tensor([2, 3]));
    const seen: unknown[] = [];
    net.registerFullBackwardHook((_m, gradInputs, gradOutputs) => {
      seen.push(gradInputs[0]?.toArray(), gradOutputs[0]?.toArray());
      return [gradInputs[0]!.mul(10)];
    });
    const x = tensor([1, 1], { requiresGrad: true });
    net(x)
      .mul(tensor([5, 7]))
      .sum()
      .backward();
    expect(seen).toEqual([
      [10, 21],
      [5, 7],
    ]);
    expect(x.grad?.toArray()).toEqual([100, 210]);
    expect(net.factor.grad?.toArray()).toEqual([5, 7]);
  });

  test('names that clash are refused', () => {
    const net = new Scale(2);
    expect(() => net.registerBuffer('factor', ones([1]))).toThrow(/already has 'factor'/);
    expect(() => net.registerParameter('a.b', null)).toThrow(/must not be empty or hold a dot/);
    net.registerBuffer('table', ones([2]));
    expect(Object.keys(net.stateDict())).toEqual(['factor', 'calls', 'table']);
  });
});
