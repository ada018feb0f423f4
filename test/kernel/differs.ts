// Programs of the test objects of which our verifier speaks otherwise than the kernel: what it says, and why. One that is
// told alike must not be listed.
import { ERRNO } from "../../src/spec/errors.ts";

interface Differs {
  readonly errno: number;
  readonly message: string;
  readonly why: string;
}

export const DIFFERS: Readonly<Record<string, Differs>> = {
  bad_keeps_plain_in_percpu: {
    errno: ERRNO.EACCES,
    message: "invalid kptr access, R2 type=ptr_ expected=ptr_pair",
    why: "a plain object where one of every CPU is kept: 6.18 would hand it out as one of every CPU",
  },
};
