/** What differs from the walls: the file system and the network are the machine's own; nothing here tests for them. */
import { uncontainedSandbox } from "../../src/sandbox/uncontained.ts";
import { sandboxContract } from "./contract.ts";
import { endsContract, keeper } from "./ends-contract.ts";

sandboxContract("uncontained", uncontainedSandbox);
endsContract({ name: "uncontained", open: uncontainedSandbox, keeper });
endsContract({
  name: "uncontained, watched alone",
  open: () => uncontainedSandbox({ kernelBounds: false }),
  keeper: "watchdog",
});
