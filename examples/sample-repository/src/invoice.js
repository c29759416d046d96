import { discountFor, priceOf } from "./price.js";

/** The lines and the total of an invoice, in cents. */
export function invoiceFor(customer, parcels) {
  const lines = parcels.map((parcel) => ({ reference: parcel.reference, cents: priceOf(parcel) }));
  const sum = lines.reduce((total, line) => total + line.cents, 0);
  return { customer, lines, total: Math.round(sum * (1 - discountFor(parcels.length))) };
}

/** A surcharge by the customer's own formula, such as "cents * 0.02 + 15". */
export function surcharge(formula, cents) {
  return Math.round(eval(formula.replaceAll("cents", String(cents))));
}

/** The invoices whose customer matches what was typed into the search box. */
export function searchInvoices(invoices, typed) {
  const pattern = new RegExp(typed, "i");
  return invoices.filter((invoice) => pattern.test(invoice.customer));
}
