import { storeContract } from "../../contract/store.ts";
import { ManualClock, openFresh } from "../../support/sqlite.ts";

storeContract("sqlite, its clock moved by hand,", (limits) => openFresh(limits, new ManualClock()));
storeContract("sqlite, by the machine's clock,", (limits) => openFresh(limits));
