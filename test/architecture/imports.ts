import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";
import { rememberByText } from "../../src/lib/remember.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface ImportOf {
  /** What stands in the import, made relative to the repository when it is a file of ours. */
  readonly to: string;
  /** Erased when the program runs: `import type`, or only types in braces. */
  readonly typeOnly: boolean;
}

/** One source file, parsed; paths are relative to the repository. */
export interface Source {
  readonly path: string;
  readonly lines: number;
  readonly imports: readonly ImportOf[];
  readonly defaultExport: boolean;
  /** Names that are used as `a`, `a.b` or `new a`, with their line: what purity is judged by. */
  readonly uses: readonly { readonly name: string; readonly line: number }[];
}

/** Read once for all tests of a process: to parse them takes seconds. */
export const sourcesBelow = rememberByText(10, (folder): readonly Source[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => parse(join(folder, path)))
    .sort((a, b) => a.path.localeCompare(b.path)),
);

export function parse(path: string, text = readFileSync(join(ROOT, path), "utf8")): Source {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports: ImportOf[] = [];
  const uses: { name: string; line: number }[] = [];
  let defaultExport = false;
  const visit = (node: ts.Node): void => {
    const found = importOf(node);
    if (found !== undefined) imports.push({ ...found, to: resolve(path, found.to) });
    const name = nameOf(node);
    if (name !== undefined) uses.push({ name, line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1 });
    defaultExport ||= isDefaultExport(node);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { path, lines: text.split("\n").length - 1, imports, defaultExport, uses };
}

function importOf(node: ts.Node): ImportOf | undefined {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const clause = node.importClause;
    const named = clause?.namedBindings;
    const onlyTypes =
      clause?.name === undefined &&
      named !== undefined &&
      ts.isNamedImports(named) &&
      named.elements.length > 0 &&
      named.elements.every((element) => element.isTypeOnly);
    return { to: node.moduleSpecifier.text, typeOnly: isTypeClause(clause) || onlyTypes };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
    return { to: node.moduleSpecifier.text, typeOnly: node.isTypeOnly };
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    if (argument !== undefined && ts.isStringLiteralLike(argument)) return { to: argument.text, typeOnly: false };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
    return { to: node.argument.literal.text, typeOnly: true };
  }
  return undefined;
}

function isTypeClause(clause: ts.ImportClause | undefined): boolean {
  return clause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function resolve(from: string, specifier: string): string {
  return specifier.startsWith(".") ? normalize(join(dirname(from), specifier)) : specifier;
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === "default";
  return (
    ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((m) => m.kind === ts.SyntaxKind.DefaultKeyword)
  );
}

/** `process.env` for a property access, `setTimeout` for a call, `Date` for `new Date()`, `await` for an await. */
function nameOf(node: ts.Node): string | undefined {
  if (ts.isAwaitExpression(node)) return "await";
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    return `${node.expression.text}.${node.name.text}`;
  }
  if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && ts.isIdentifier(node.expression)) {
    // A Date of a given time is a plain value; only the Date of now reads a clock.
    const isGivenTime = ts.isNewExpression(node) && node.expression.text === "Date" && node.arguments?.length !== 0;
    return isGivenTime ? undefined : node.expression.text;
  }
  return undefined;
}

/** Folders and files directly below `src` that hold something; empty folders do not exist for git. */
export function entriesOfSource(): string[] {
  return readdirSync(join(ROOT, "src"), { withFileTypes: true })
    .filter((entry) => entry.isFile() || filesBelow(join(ROOT, "src", entry.name)) > 0)
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort();
}

function filesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}

export function pathOf(name: string): string {
  return join(ROOT, name);
}
