import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { billableKilograms, discountFor, priceOf } from "../src/price.js";

const parcel = { zone: "domestic", kilograms: 1, centimetres: [20, 15, 10] };

describe("price", () => {
  it("is the zone's base price up to two kilograms", () => {
    assert.equal(priceOf(parcel), 450);
  });

  it("bills each further kilogram begun", () => {
    assert.equal(priceOf({ ...parcel, kilograms: 3.2 }), 450 + 2 * 120);
  });

  it("bills the volume of a light, large parcel", () => {
    assert.equal(billableKilograms({ kilograms: 1, centimetres: [50, 40, 30] }), 12);
  });

  it("refuses a zone it does not know", () => {
    assert.throws(() => priceOf({ ...parcel, zone: "moon" }), /no such zone: moon/);
  });

  it("gives 5 % from ten parcels on", () => {
    assert.equal(discountFor(9), 0);
    assert.equal(discountFor(10), 0.05);
  });
});
