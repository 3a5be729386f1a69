// Values in the viewer's units.

export type TemperatureUnit = "C" | "F";

/** A quantity's value as it is shown. */
export interface Shown {
  value: number;
  unit: string;
}

/** °C as it is shown. */
export function shownTemperature(celsius: number, unit: TemperatureUnit): Shown {
  return unit === "F" ? { value: celsius * 1.8 + 32, unit: "°F" } : { value: celsius, unit: "°C" };
}

/** A value of a quantity as it is shown; only temperatures have two units. */
export function shown(quantity: string, value: number, unit: string, temperature: TemperatureUnit): Shown {
  return quantity === "temperature" ? shownTemperature(value, temperature) : { value, unit };
}

/** A difference of temperatures: it has no zero point. */
export function shownDifference(celsius: number, unit: TemperatureUnit): Shown {
  return unit === "F" ? { value: celsius * 1.8, unit: "°F" } : { value: celsius, unit: "°C" };
}

/** What was entered as a temperature, in °C again. */
export function enteredTemperature(value: number, unit: TemperatureUnit): number {
  return unit === "F" ? (value - 32) / 1.8 : value;
}

/** What was entered as a difference, in °C again. */
export function enteredDifference(value: number, unit: TemperatureUnit): number {
  return unit === "F" ? value / 1.8 : value;
}

/** The unit that a locale's region uses: °F where the United States' customs hold. */
export function usualUnit(locale: string): TemperatureUnit {
  const region = new Intl.Locale(locale).maximize().region ?? "";
  return ["US", "LR", "MM", "BS", "BZ", "KY", "PW", "FM", "MH"].includes(region) ? "F" : "C";
}
