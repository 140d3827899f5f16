import * as ast from 'typescript/unstable/ast';

/** A name that can be written at some place of a cell, and what it is, in the words of the compiler's own completions. */
export interface ScopeName {
  name: string;
  type: string;
}

const keywords =
  'abstract as async await break case catch class const continue debugger declare default delete do else enum export extends false finally for from function if implements import in infer instanceof interface is keyof let namespace new null of readonly return satisfies static super switch this throw true try type typeof undefined using var void while yield'.split(
    ' ',
  );

function bound(name: ast.Node | undefined, type: string): ScopeName[] {
  if (!name) return [];
  if (ast.isIdentifier(name)) return [{ name: name.text, type }];
  const names: ScopeName[] = [];
  name.forEachChild((element) => {
    if (ast.isBindingElement(element)) names.push(...bound(element.name, type));
  });
  return names;
}

/** What a statement or a part of a function declares for the scope around it. */
function declared(node: ast.Node): ScopeName[] {
  if (ast.isVariableStatement(node)) return declared(node.declarationList);
  if (ast.isVariableDeclarationList(node))
    return node.declarations.flatMap((declaration) => bound(declaration.name, 'variable'));
  if (ast.isVariableDeclaration(node) || ast.isParameterDeclaration(node))
    return bound(node.name, 'variable');
  if (ast.isFunctionDeclaration(node)) return bound(node.name, 'function');
  if (ast.isClassDeclaration(node)) return bound(node.name, 'class');
  if (ast.isEnumDeclaration(node)) return bound(node.name, 'enum');
  if (ast.isModuleDeclaration(node)) return bound(node.name, 'module');
  if (ast.isInterfaceDeclaration(node) || ast.isTypeAliasDeclaration(node))
    return bound(node.name, 'interface');
  if (ast.isTypeParameterDeclaration(node)) return bound(node.name, 'typeparameter');
  if (ast.isImportDeclaration(node) || ast.isImportClause(node)) {
    const names: ScopeName[] = ast.isImportClause(node) ? bound(node.name, 'variable') : [];
    node.forEachChild((child) => {
      if (ast.isImportClause(child) || ast.isNamedImports(child)) names.push(...declared(child));
      else if (ast.isNamespaceImport(child)) names.push(...bound(child.name, 'module'));
    });
    return names;
  }
  if (ast.isNamedImports(node)) return node.elements.flatMap(({ name }) => bound(name, 'variable'));
  return [];
}

/** The names that the text around `place` declares, inner scopes first. */
export function namesAround(file: ast.SourceFile, place: number): ScopeName[] {
  const scopes: ScopeName[][] = [];
  const descend = (node: ast.Node): void => {
    const names: ScopeName[] = [];
    let inner: ast.Node | undefined;
    node.forEachChild((child) => {
      names.push(...declared(child));
      if (child.pos < place && place <= child.end) inner = child;
    });
    scopes.unshift(names);
    if (inner) descend(inner);
  };
  descend(file);
  return scopes.flat();
}

export const keywordNames: readonly ScopeName[] = keywords.map((name) => ({ name, type: 'keyword' }));
