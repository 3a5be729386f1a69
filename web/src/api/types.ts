// Words of the API, as its description has them.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Quantity = Schemas["Quantity"];
export type QuantityView = Schemas["QuantityView"];
export type Latest = Schemas["Latest"];
export type Settings = Schemas["Settings"];
export type Schedule = Schemas["Schedule"];
export type Season = Schemas["Season"];
export type Hours = Schemas["Hours"];
export type DeviceSettings = Schemas["DeviceSettings"];
export type History = Schemas["History"];
export type Histories = Schemas["Histories"];
export type HistoryColumns = Schemas["HistoryColumns"];
export type HistoryPoint = Schemas["HistoryPoint"];
export type PastPrediction = Schemas["PastPrediction"];
export type DeviceEvent = Schemas["DeviceEvent"];
export type IngestError = Schemas["IngestError"];
export type ServiceHealth = Schemas["ServiceHealth"];
export type Status = Schemas["Status"];
export type Session = Schemas["Session"];
export type Model = Schemas["Model"];
export type Comparison = Schemas["Comparison"];
export type ModelQuality = Schemas["ModelQuality"];
export type TrainingState = Schemas["TrainingState"];
export type Training = Schemas["Training"];
export type Examinations = Schemas["Examinations"];
export type Finding = Schemas["Finding"];
export type SystemMetrics = Schemas["SystemMetrics"];
export type SystemMetricsPoint = Schemas["SystemMetricsPoint"];
export type Clip = Schemas["Clip"];
export type Spectrum = Schemas["Spectrum"];
export type SpectrumHistory = Schemas["SpectrumHistory"];
export type Pairing = Schemas["Pairing"];
export type Waiting = Schemas["Waiting"];
export type Group = Schemas["Group"];
export type Account = Schemas["Account"];
export type Token = Schemas["Token"];
export type Share = Schemas["Share"];
export type AuditEntry = Schemas["AuditEntry"];
export type Inspection = Schemas["Inspection"];

export type Contributions = Schemas["Contributions"];

/** What a window does, and who decides. */
export type Control = Schemas["ControlView"];

/** A device. `control` is null where it has no window. */
export type DeviceView = Schemas["DeviceView"];
export type Command = Schemas["Command"];
export type Happening = Schemas["Happening"];

/** What a device's schedule does, and what comes next. */
export type ScheduleState = Schemas["ScheduleView"];
