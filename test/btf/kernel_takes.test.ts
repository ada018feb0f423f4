// What the kernel takes as types of an object: small tables of types with Linux 6.18's answers.
import { expect, it } from "vitest";
import { takesTypes } from "../../src/elf/special_fields.ts";
import { openBtf } from "../../src/btf/parse.ts";
import { BtfBuilder } from "./build.ts";

type Make = (b: BtfBuilder, int: number) => void;

/** A pointer to what a chain of modifiers, outermost first, leads to. */
function chain(
  b: BtfBuilder,
  int: number,
  ...links: ("const" | "volatile" | "typedef" | "type_tag")[]
): void {
  let at = int;
  for (const kind of links.reverse())
    at = b.add(kind, kind === "typedef" || kind === "type_tag" ? "word" : "", 0, at);
  b.add("ptr", "", 0, at);
}

function proto(b: BtfBuilder, int: number, ...params: readonly [name: string, type: number][]): number {
  const words = params.flatMap(([name, type]) => [b.str(name), type]);
  return b.add("func_proto", "", params.length, int, words);
}

const TYPES: readonly (readonly [what: string, takes: boolean, Make])[] = [
  ["a signed number", true, (b) => b.int("num", 4, 1)],
  ["a character", true, (b) => b.int("num", 1, 2)],
  ["a truth value", true, (b) => b.int("num", 1, 4)],
  ["a signed character", false, (b) => b.int("num", 1, 3)],
  ["a signed truth value", false, (b) => b.int("num", 1, 5)],
  ["a struct with a dot in its name", true, (b, int) => b.struct("a.b", 4, [["m", int, 0]])],
  ["a struct that begins with a dot", true, (b, int) => b.struct(".a", 4, [["m", int, 0]])],
  ["a struct of no name", true, (b, int) => b.struct("", 4, [["", int, 0]])],
  ["a struct named as in C++", false, (b, int) => b.struct("a::b", 4, [["m", int, 0]])],
  ["a struct that begins with a digit", false, (b, int) => b.struct("1a", 4, [["m", int, 0]])],
  ["a member with a dash", false, (b, int) => b.struct("a", 4, [["m-1", int, 0]])],
  ["a name of 512 characters", true, (b, int) => b.struct("a".repeat(512), 4, [["m", int, 0]])],
  ["a union named as in Rust", false, (b, int) => b.struct("Option<u32>", 4, [["m", int, 0]], "union")],
  ["an enumerator", true, (b) => b.add("enum", "", 1, 4, [b.str("ONE"), 1])],
  ["an enumerator of no name", false, (b) => b.add("enum", "e", 1, 4, [0, 1])],
  ["an enumerator with a space", false, (b) => b.add("enum64", "e", 1, 8, [b.str("A B"), 1, 0])],
  ["a struct elsewhere", true, (b) => b.add("fwd", "there", 0, 0)],
  ["a struct elsewhere of no name", false, (b) => b.add("fwd", "", 0, 0)],
  ["a typedef of no name", false, (b, int) => b.add("typedef", "", 0, int)],
  ["a constant with a name", false, (b, int) => b.add("const", "c", 0, int)],
  ["a pointer with a name", false, (b, int) => b.add("ptr", "p", 0, int)],
  ["an array with a name", false, (b, int) => b.add("array", "a", 0, 0, [int, int, 2])],
  ["a float of 8 bytes", true, (b) => b.add("float", "f", 0, 8)],
  ["a float of 16 bytes", true, (b) => b.add("float", "f", 0, 16)],
  ["a float of 6 bytes", false, (b) => b.add("float", "f", 0, 6)],
  ["a float of no name", true, (b) => b.add("float", "", 0, 8)],
  ["tags, then modifiers", true, (b, int) => chain(b, int, "type_tag", "type_tag", "const", "typedef")],
  ["a tag behind a modifier", false, (b, int) => chain(b, int, "const", "type_tag")],
  ["a tag behind a typedef", false, (b, int) => chain(b, int, "typedef", "type_tag")],
  ["a tag behind both", false, (b, int) => chain(b, int, "type_tag", "volatile", "type_tag")],
  ["a tag of no words", false, (b, int) => b.add("ptr", "", 0, b.add("type_tag", "", 0, int))],
  ["a tag of any words", true, (b, int) => b.add("ptr", "", 0, b.add("type_tag", "a b-c", 0, int))],
  ["a function", true, (b, int) => b.add("func", "f", 0, proto(b, int, ["a", int]))],
  ["a function of more", true, (b, int) => b.add("func", "f", 0, proto(b, int, ["a", int], ["", 0]))],
  ["a parameter of no name", false, (b, int) => b.add("func", "f", 0, proto(b, int, ["", int]))],
  ["a prototype's parameter of no name", true, (b, int) => b.add("ptr", "", 0, proto(b, int, ["", int]))],
  ["a parameter with a dash", false, (b, int) => b.add("ptr", "", 0, proto(b, int, ["a-b", int]))],
  ["a function named as in C++", false, (b, int) => b.add("func", "f()", 0, proto(b, int, ["a", int]))],
  ["a variable", true, (b, int) => b.add("var", "v", 0, int, [1])],
  ["a variable with a dollar sign", false, (b, int) => b.add("var", "v$1", 0, int, [1])],
  ["a section with any name", true, (b, int) => section(b, int, "?a b")],
  ["a section with a tab in its name", false, (b, int) => section(b, int, "a\tb")],
];

function section(b: BtfBuilder, int: number, name: string): void {
  b.add("datasec", name, 1, 4, [b.add("var", "v", 0, int, [1]), 0, 4]);
}

it.each(TYPES)("%s", (_, takes, make) => {
  const b = new BtfBuilder();
  make(b, b.int("int", 4, 1));
  expect(takesTypes(openBtf(b.bytes(), "odd"), () => undefined)).toBe(takes);
});
