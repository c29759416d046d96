import { MadeIds, withMadeIds } from "../../contract/made-ids.ts";
import { storeContract } from "../../contract/store.ts";
import { ManualClock, openFresh } from "../../support/sqlite.ts";

storeContract("sqlite, its clock moved by hand,", (limits) => openFresh(limits, new ManualClock()));
storeContract("sqlite, by the machine's clock,", (limits) => openFresh(limits));
storeContract("sqlite, ids made by the store,", async (limits) => {
  const opened = await openFresh(limits, new ManualClock());
  const store = withMadeIds(opened.store, new MadeIds());
  return { ...opened, store, second: async () => store };
});
