/** What is wrong with the library's bytes: one line each, none if nothing is. */
export function checkModule(bytes: Uint8Array): string[];
