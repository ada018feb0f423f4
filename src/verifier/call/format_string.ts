// Format strings that the kernel's bprintf takes: what of printf there is, and how many arguments it reads.

/** What may stand behind %p and %s. */
const END = "(?=$|[\\s!-/:-@[-`{-~])";
const SPEC = new RegExp(
  `%(?:%|[0+\\- ]*(?:[1-9][0-9]*)?(?:p(?:${END}|[ku]s${END}|[KxsSB]|[iI][46])|s${END}|c|l{0,2}[iduxX]))`,
  "g",
);
/** Printable or white, in ASCII. */
const PLAIN = /^[\t-\r -~]*$/;

/** How many arguments the string up to its zero reads; undefined where it is not one. */
export function countFormatArgs(bytes: Uint8Array): number | undefined {
  const end = bytes.indexOf(0);
  const text = Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("latin1");
  if (end < 0 || !PLAIN.test(text)) return undefined;
  if (text.replace(SPEC, "").includes("%")) return undefined;
  return [...text.matchAll(SPEC)].filter(([spec]) => spec !== "%%").length;
}
