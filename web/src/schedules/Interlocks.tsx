// What closes or limits a window whatever anybody wants: each cause in one sentence, its values behind it.
import { computed } from "@preact/signals";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Settings } from "../api/types";
import { isHeard } from "../compute/interlocks";
import { FIELDS, SENSORS, type Sensor } from "../settings/rules";
import { devices } from "../state/devices";
import { t, temperatureUnit } from "../text";
import { Copy } from "../view/Copy";
import { Choice, DevicePick, Value, type Part } from "./RulesForm";
import { alarmSummary, holdUsual, locksSummary, sensorSummary } from "./summary";

const yesNo = () =>
  [
    ["true", t().rules.heeded],
    ["false", t().rules.ignored],
  ] as const;

/** Whether anything is wrong with it: then it is open. */
function isWrong(part: Part, prefix: string): boolean {
  return Object.keys(FIELDS).some(path => path.startsWith(prefix) && part.wrong(path));
}

function Entry({
  title,
  summary,
  part,
  prefix,
  isMissing,
  children,
}: {
  title: string;
  summary: string;
  part: Part;
  /** The paths of its values begin so. */
  prefix: string;
  /** Whether no sensor tells of it. */
  isMissing?: boolean;
  children: VNode;
}): VNode {
  return (
    <details class="entry-of" data-interlock={prefix.split(".")[1]} open={isWrong(part, prefix) || undefined}>
      <summary>
        <strong>{title}</strong> <span class={isMissing ? "badge warn" : "quiet"}>{summary}</span>
      </summary>
      {children}
    </details>
  );
}

/** A first message of such a sensor, which makes it known. */
const exampleOf = (sensor: "rain" | "wind") =>
  `mosquitto_pub -h ${location.hostname} -t sensor/garden/${sensor} -m '{"value": 0}'`;

function SensorEntry({ part, sensor, effective }: { part: Part; sensor: Sensor; effective: Settings }): VNode {
  const { rules } = t(),
    prefix = `interlocks.${sensor}`,
    unit = { rain: "mm/h", wind: "m/s", frost: `°${temperatureUnit.value}` }[sensor];
  const field = (name: string) => `${prefix}.${name}`;
  const heard = useMemo(
      () => computed(() => isHeard(sensor, part.place, effective, devices.value)),
      [sensor, part.place, effective],
    ).value,
    isOff = effective.interlocks?.[sensor]?.on === false || (sensor !== "rain" && effective.interlocks?.[sensor]?.limit == null);
  const missing = heard === false && !isOff;
  const silent = (["keep", "close", "ignore"] as const).map(value => [value, rules.silent[value]] as const);
  return (
    <Entry
      title={rules.cause[sensor]!}
      summary={missing ? rules.unheard[sensor] : sensorSummary(sensor, effective.interlocks?.[sensor])}
      isMissing={missing}
      part={part}
      prefix={`${prefix}.`}
    >
      <>
        {missing ? (
          <div class="notice">
            <p>{rules.unheardWhy[sensor]}</p>
            {sensor === "frost" ? null : <Copy text={exampleOf(sensor)} />}
          </div>
        ) : null}
        <div class="fields tight">
          <Choice part={part} path={field("on")} label={rules.field.on!} options={yesNo()} usual="true" />
          <Value
            part={part}
            path={field("limit")}
            label={sensor === "frost" ? rules.below : rules.above}
            unit={unit}
            usual={sensor === "rain" ? "0" : rules.noLimit}
          />
          <Value
            part={part}
            path={field("clear_at")}
            label={rules.field.clear_at!}
            unit={unit}
            usual={rules.clearUsual[sensor]}
          />
          <Value part={part} path={field("most")} label={rules.field.most!} unit="%" usual="0" />
          <Value part={part} path={field("hold_s")} label={rules.field.hold_s!} unit="min" usual={holdUsual(sensor)} />
          <DevicePick part={part} path={field("sensor")} label={rules.field.sensor!} none={rules.nearSensors[sensor]} />
          <Choice part={part} path={field("when_silent")} label={rules.field.when_silent!} options={silent} usual="keep" />
          <Value part={part} path={field("silent_after_s")} label={rules.field.silent_after_s!} unit="min" usual="30" />
        </div>
      </>
    </Entry>
  );
}

export function Interlocks({ part, effective }: { part: Part; effective: Settings }): VNode {
  const { rules } = t(),
    { interlocks = {} } = effective;
  return (
    <div class="entries">
      {SENSORS.map(sensor => (
        <SensorEntry key={sensor} part={part} sensor={sensor} effective={effective} />
      ))}
      <Entry title={rules.cause.alarm!} summary={alarmSummary(interlocks.alarm)} part={part} prefix="interlocks.alarm.">
        <div class="fields tight">
          <Choice part={part} path="interlocks.alarm.on" label={rules.field.on!} options={yesNo()} usual="true" />
          <Value part={part} path="interlocks.alarm.alarms" label={rules.field.alarms!} usual={rules.everyAlarm} />
          <Value part={part} path="interlocks.alarm.most" label={rules.field.most!} unit="%" usual="0" />
          <Value part={part} path="interlocks.alarm.hold_s" label={rules.field.hold_s!} unit="min" usual="1" />
        </div>
      </Entry>
      <Entry title={rules.cause.locks!} summary={locksSummary(interlocks)} part={part} prefix="interlocks.child_lock">
        <div class="fields tight">
          <Choice
            part={part}
            path="interlocks.locked"
            label={rules.cause.locked!}
            options={[
              ["true", rules.yes],
              ["false", rules.no],
            ]}
            usual="false"
          />
          <Value part={part} path="interlocks.child_lock" label={rules.field.child_lock!} unit="%" usual={rules.noLimit} />
        </div>
      </Entry>
    </div>
  );
}
