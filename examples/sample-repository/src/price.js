/** Parcel prices in cents, before tax. */
const zones = { domestic: 450, europe: 1290, world: 2650 };

/** Carriers bill the larger of the weight and a fifth of the volume in litres. */
export function billableKilograms({ kilograms, centimetres }) {
  const [length, width, height] = centimetres;
  return Math.max(kilograms, (length * width * height) / 5000);
}

export function priceOf(parcel) {
  const base = zones[parcel.zone];
  if (base === undefined) throw new RangeError(`no such zone: ${parcel.zone}`);
  const extraKilograms = Math.max(0, Math.ceil(billableKilograms(parcel) - 2));
  return base + extraKilograms * 120;
}

/** The discount on an invoice: 5 % from 10 parcels on, 12 % from 50 on. */
export function discountFor(count) {
  if (count > 50) return 0.12;
  if (count > 10) return 0.05;
  return 0;
}
