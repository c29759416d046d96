import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { invoiceFor, searchInvoices, surcharge } from "../src/invoice.js";

const parcel = { reference: "P-1", zone: "europe", kilograms: 1, centimetres: [10, 10, 10] };

describe("invoice", () => {
  it("adds up its lines", () => {
    assert.equal(invoiceFor("Ada", [parcel, { ...parcel, reference: "P-2" }]).total, 2580);
  });

  it("adds the customer's surcharge", () => {
    assert.equal(surcharge("cents * 0.02 + 15", 1000), 35);
  });

  it("is found by a part of the customer's name", () => {
    const invoices = [{ customer: "Ada" }, { customer: "Grace" }];
    assert.deepEqual(searchInvoices(invoices, "gra"), [{ customer: "Grace" }]);
  });

  it.skip("is rounded to five cents in Switzerland", () => {
    assert.equal(invoiceFor("Meret", [{ ...parcel, kilograms: 2.1 }]).total % 5, 0);
  });
});
