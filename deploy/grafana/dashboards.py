#!/usr/bin/env python3
"""Writes the dashboards and the alert rules: ./dashboards.py writes dashboards/*.json and provisioning/alerting/*.yaml.

A panel is a line of data here: title, kind, size, unit, query. Queries ask the rollups for the coarsest rows that fill the
interval; see docs/dashboards.md for the tables and views.
"""

import json
import pathlib
import sys
import textwrap

HERE = pathlib.Path(__file__).parent
DATASOURCE = {"type": "grafana-clickhouse-datasource", "uid": "${datasource}"}
PLUGIN_VERSION = "4.14.1"

# The devices that are chosen: every one is named, also for "All", so that the choice of a location holds. It works for
# no device, too.
CHOSEN = "device_id IN (SELECT arrayJoin([${device:singlequote}]::Array(String)))"
ONE = "device_id = ${device:singlequote}"
VERSIONS = "model_version IN (SELECT arrayJoin([${model:singlequote}]::Array(String)))"

# The step of a rollup that is not coarser than the interval. Below a minute there is none: a minute is the finest.
STEP = "multiIf($__interval_s >= 86400, 86400, $__interval_s >= 3600, 3600, 60)"

# Points that a panel asks for, whatever its width (maxDataPoints), so that its interval is a rollup's step: 720 make hours
# of 30 days and half days of a year; 360 make two hours and days. What is rare is counted in wider intervals.
LINES, FEW, RARE = 720, 360, 120
GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"

# From here on an alert fires; charts draw the same line.
SILENT_S = 600
DELAY_MS = 60_000
JOURNAL_SHARE = 0.5
FREE_BYTES = 2 << 30
CONFIDENCE = 0.3
FAR_SHARE = 0.25
REFUSED_SHARE = 0.1


def sql(text):
    return textwrap.dedent(text).strip()


def rising(*steps):
    """Thresholds: the first colour holds from the start, each further one from its value on."""
    first, *others = steps
    return {"mode": "absolute", "steps": [{"color": first, "value": None}]
            + [{"color": color, "value": value} for color, value in others]}


def above(limit):
    """A dashed line from which on it is too much."""
    return {"thresholds": rising(GREEN, (RED, limit))}


def below(limit):
    """A dashed line below which it is too little."""
    return {"thresholds": rising(RED, (GREEN, limit))}


DASHED = {"thresholdsStyle": {"mode": "dashed"}}


def mapped(**words):
    """Value mappings: number -> (word, colour)."""
    options = {key.lstrip("n").replace("m", "-"): {"text": text, "color": color, "index": index}
               for index, (key, (text, color)) in enumerate(words.items())}
    return [{"type": "value", "options": options}]


def target(query, ref="A", table=False):
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "editorType": "sql",
        "pluginVersion": PLUGIN_VERSION,
        "queryType": "table" if table else "timeseries",
        "format": 1 if table else 0,
        "rawSql": sql(query),
    }


class Dashboard:
    """Panels, laid out from left to right in a grid of 24 columns."""

    def __init__(self, uid, title, description, variables, annotations, since="now-6h"):
        self.panels = []
        self.x = self.y = self.height = 0
        self.body = {
            "uid": uid,
            "title": title,
            "description": description,
            "tags": ["casement"],
            "schemaVersion": 39,
            "version": 1,
            "id": None,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": since, "to": "now"},
            "timezone": "browser",
            "links": [{
                "type": "dashboards", "tags": ["casement"], "asDropdown": False, "includeVars": True,
                "keepTime": True, "title": "", "icon": "external link", "targetBlank": False,
                "tooltip": "", "url": "",
            }],
            "templating": {"list": [DATASOURCE_VARIABLE, *variables]},
            "annotations": {"list": annotations},
        }

    def place(self, width, height):
        if self.x + width > 24:
            self.x, self.y, self.height = 0, self.y + self.height, 0
        position = {"x": self.x, "y": self.y, "w": width, "h": height}
        self.x += width
        self.height = max(self.height, height)
        return position

    def row(self, title):
        self.x, self.y, self.height = 0, self.y + self.height, 0
        self.panels.append({"type": "row", "id": len(self.panels) + 1, "title": title, "collapsed": False,
                            "panels": [], "gridPos": self.place(24, 1)})

    def panel(self, kind, title, description, size, queries, *, unit="short", table=False, points=LINES,
              defaults=None, overrides=None, options=None, **more):
        queries = [queries] if isinstance(queries, str) else queries
        targets = [target(query, "ABCDEF"[index], table) for index, query in enumerate(queries)]
        self.panels.append({
            "type": kind,
            "id": len(self.panels) + 1,
            "title": title,
            "description": description,
            "datasource": DATASOURCE,
            "gridPos": self.place(*size),
            "targets": targets,
            "fieldConfig": {"defaults": {"unit": unit, **(defaults or {})}, "overrides": overrides or []},
            "options": options or {},
            "maxDataPoints": points,
            **more,
        })

    def series(self, title, description, size, queries, *, unit, custom=None, defaults=None, overrides=None,
               interval="10s", **more):
        """Lines over time. A gap of five minutes stays a gap."""
        lines = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 8, "showPoints": "auto", "pointSize": 4,
                 "spanNulls": 300_000, "insertNulls": False, **(custom or {})}
        options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                   "tooltip": {"mode": "multi", "sort": "none"}}
        self.panel("timeseries", title, description, size, queries, unit=unit,
                   defaults={"custom": lines, **(defaults or {})},
                   overrides=overrides, options=options, interval=interval, **more)

    def stat(self, title, description, size, query, *, unit, thresholds, decimals=None, **more):
        defaults = {"thresholds": thresholds, "color": {"mode": "thresholds"}}
        if decimals is not None:
            defaults["decimals"] = decimals
        options = {"reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
                   "colorMode": "value", "graphMode": "none", "textMode": "auto", "justifyMode": "auto",
                   "orientation": "auto"}
        self.panel("stat", title, description, size, query, unit=unit, table=True, defaults=defaults, options=options,
                   **more)

    def heatmap(self, title, description, size, query, *, unit, scheme="Spectral", row_unit="short"):
        """Rows of a heat map are series; their names are the rows' labels."""
        options = {"calculate": False, "cellGap": 0, "color": {"mode": "scheme", "scheme": scheme, "steps": 64,
                   "exponent": 0.5, "fill": "dark-orange", "reverse": False, "scale": "exponential"},
                   "cellValues": {"unit": unit}, "yAxis": {"axisPlacement": "left", "unit": row_unit},
                   "rowsFrame": {"layout": "auto"}, "legend": {"show": True}, "exemplars": {"color": "rgba(255,0,255,0.7)"},
                   "filterValues": {"le": 1e-9}, "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
                   "showValue": "never"}
        self.panel("heatmap", title, description, size, query, unit=unit, points=FEW, interval="1m",
                   defaults={"displayName": "${__field.labels.bucket}"}, options=options)

    def write(self, name):
        body = {**self.body, "panels": self.panels}
        return f"dashboards/{name}.json", json.dumps(body, indent=2, ensure_ascii=False) + "\n"


# Variables ------------------------------------------------------------------------------------------------------------

DATASOURCE_VARIABLE = {
    "type": "datasource", "name": "datasource", "label": "Database", "query": "grafana-clickhouse-datasource",
    "current": {"selected": True, "text": "Casement", "value": "casement"}, "hide": 2, "refresh": 1, "regex": "",
    "includeAll": False, "multi": False, "options": [], "skipUrlSync": False,
}


def variable(name, label, query, *, several=True, hide=0):
    """A list from the database, read again at each load."""
    all_of_them = {"current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return {
        "type": "query", "name": name, "label": label, "datasource": DATASOURCE, "query": sql(query),
        "definition": sql(query), "refresh": 1, "sort": 0, "regex": "", "multi": several, "includeAll": several,
        "hide": hide, "options": [], "skipUrlSync": False, **(all_of_them if several else {}),
    }


LOCATION = variable("location", "Location", """
    SELECT DISTINCT if(location = '', '(no location)', location) AS location FROM device_registry FINAL ORDER BY location
""")
OF_LOCATION = ("if(location = '', '(no location)', location) IN "
               "(SELECT arrayJoin([${location:singlequote}]::Array(String)))")
DEVICES = variable("device", "Device", f"""
    SELECT device_id FROM device_registry FINAL WHERE {OF_LOCATION} ORDER BY device_id
""")
DEVICE = variable("device", "Device", f"""
    SELECT device_id FROM device_registry FINAL WHERE {OF_LOCATION} ORDER BY is_active DESC, device_id
""", several=False)
MODEL = variable("model", "Model", """
    SELECT DISTINCT model_version FROM predictions_by_time WHERE step = 86400 AND model_version != '' ORDER BY model_version DESC
""")
QUANTITY = variable("quantity", "Quantity", """
    SELECT DISTINCT quantity FROM readings_by_time WHERE step = 86400 ORDER BY quantity = 'temperature' DESC, quantity
""", several=False)


# Annotations ----------------------------------------------------------------------------------------------------------

def annotation(name, color, query, enabled=True):
    return {
        "name": name, "datasource": DATASOURCE, "enable": enabled, "hide": False, "iconColor": color, "type": "dashboard",
        "target": target(query, "Anno", table=True),
    }


def annotations(where):
    return [
        annotation("Window moves", BLUE, f"""
            SELECT time, text, 'move' AS tags
            FROM (SELECT timestamp AS time, concat(device_id, ' to ', toString(round(position)), ' %') AS text,
                      abs(position - lagInFrame(position, 1, -100) OVER (PARTITION BY device_id ORDER BY timestamp)) AS way
                  FROM window_actions
                  WHERE $__timeFilter_ms(timestamp) AND origin NOT IN ('person', 'schedule') AND {where})
            WHERE way >= 20 ORDER BY time LIMIT 300
        """, enabled=False),
        annotation("Overrides", "orange", f"""
            SELECT timestamp AS time, concat(device_id, ' to ', toString(round(position)), ' % by ', origin) AS text,
                origin AS tags
            FROM window_actions WHERE $__timeFilter_ms(timestamp) AND origin IN ('person', 'schedule') AND {where}
            ORDER BY time LIMIT 300
        """),
        annotation("Device events", RED, f"""
            SELECT timestamp AS time, concat(device_id, ': ', event, if(detail = '', '', concat(' (', detail, ')'))) AS text,
                event AS tags
            FROM device_events WHERE $__timeFilter_ms(timestamp) AND {where} ORDER BY time LIMIT 300
        """),
        annotation("New models", "purple", """
            SELECT first AS time, concat('first decision of ', model_version) AS text, 'model' AS tags
            FROM (SELECT min(time) AS first, model_version FROM predictions_by_time
                  WHERE step = 60 AND model_version != '' AND toStartOfDay(time) IN (SELECT min(time) FROM predictions_by_time
                      WHERE step = 86400 GROUP BY model_version)
                  GROUP BY model_version)
            WHERE $__timeFilter(first) ORDER BY first LIMIT 100
        """),
    ]


# Queries that several panels share ------------------------------------------------------------------------------------

def readings(quantity, where, columns, group):
    """Readings of a quantity at the chart's resolution; of the one that is chosen a minute is the finest."""
    source, which = (f"sensor_{quantity}_over(step = $__interval_s)", "") if quantity else (
        "readings_by_time", f"step = {STEP} AND quantity = ${{quantity:singlequote}} AND ")
    return f"""
        SELECT $__timeInterval(r.time) AS time, {columns}
        FROM {source} AS r
        WHERE {which}$__timeFilter(r.time) AND {where}
        GROUP BY {group} ORDER BY time
    """


def mean_of_each(quantity, name):
    return readings(quantity, CHOSEN, f"device_id, sum(total) / sum(r.readings) AS {name}", "time, device_id")


def band_of_one(quantity):
    return readings(quantity, ONE, "sum(total) / sum(r.readings) AS mean, toFloat64(min(lowest)) AS low, toFloat64(max(highest)) AS high", "time")


def band(name="mean"):
    """Overrides that draw low to high as a band without lines of its own."""
    hidden = [{"id": "custom.lineWidth", "value": 0}, {"id": "custom.showPoints", "value": "never"},
              {"id": "custom.hideFrom", "value": {"legend": True, "tooltip": False, "viz": False}}]
    return [
        {"matcher": {"id": "byName", "options": "low"}, "properties": hidden},
        {"matcher": {"id": "byName", "options": "high"},
         "properties": [*hidden, {"id": "custom.fillBelowTo", "value": "low"}, {"id": "custom.fillOpacity", "value": 20}]},
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "custom.fillOpacity", "value": 0}]},
    ]


# min() and max() of a rollup's columns keep the type SimpleAggregateFunction(…), which the plugin makes a text of: toFloat64.
def rolled_up(table, columns, where, group="time", order=None):
    """Rows of a rollup at the chart's resolution; a minute is the finest."""
    return f"""
        SELECT $__timeInterval(s.time) AS time, {columns}
        FROM {table} AS s
        WHERE step = {STEP} AND $__timeFilter(s.time) AND {where}
        GROUP BY {group} ORDER BY {order or group}
    """


def metrics(columns, group="time", source="system_metrics", order=None):
    return f"""
        SELECT $__timeInterval(timestamp) AS time, {columns}
        FROM {source} WHERE $__timeFilter(timestamp)
        GROUP BY {group} ORDER BY {order or group}
    """


def positions(kind):
    """Up to a day the reports themselves and the one before; beyond that the hours' means, weighted by time."""
    table = {"reported": "window_states", "commanded": "window_actions"}[kind]
    return f"""
        SELECT time, position AS {kind} FROM (
            SELECT greatest($__timeInterval(timestamp), toDateTime($__fromTime)) AS time, argMax(p.position, timestamp) AS position
            FROM {table} AS p
            WHERE $__interval_s < 1800 AND timestamp > $__fromTime - INTERVAL 1 DAY AND timestamp <= $__toTime AND {ONE}
            GROUP BY time
            UNION ALL
            SELECT $__timeInterval(h.time) AS time, avg(h.position) AS position FROM positions_1h AS h
            WHERE $__interval_s >= 1800 AND kind = '{kind}' AND {ONE} AND $__timeFilter(h.time) GROUP BY time
        ) ORDER BY time
    """


TO_DEVICE = [{"title": "Device", "url": "/d/casement-device?${__url_time_range}&var-device=${__data.fields.device:percentencode}"}]
TO_DEVICE_BY_LABEL = [
    {"title": "Device", "url": "/d/casement-device?${__url_time_range}&var-device=${__field.labels.device_id:percentencode}"}]
TO_ITS_SOUND = [{"title": "Audio analysis", "url": "/d/casement-audio?${__url_time_range}"
                 "&var-device=${device:percentencode}&var-one=${device:percentencode}"}]
TO_ITS_DECISIONS = [{"title": "ML metrics", "url": "/d/casement-ml?${__url_time_range}&var-device=${device:percentencode}"}]


# System overview ------------------------------------------------------------------------------------------------------

def overview():
    board = Dashboard("casement-overview", "System Overview",
                      "All rooms now, and whether everything works.",
                      [LOCATION, DEVICES, QUANTITY], annotations(CHOSEN))
    board.stat("Devices active", "Devices heard of within the last five minutes, and devices known.", (4, 4), """
        SELECT countIf(is_active) AS active, count() AS known FROM device_registry FINAL
    """, unit="none", thresholds=rising(GREEN))
    board.stat("Longest silence", "Of the active devices, the age of the newest reading of the one that is silent longest.", (4, 4), f"""
        SELECT ifNull(max(age), 0) AS age FROM (
            SELECT dateDiff('second', max(newest.1), now64(3)) AS age FROM readings_by_time
            WHERE step = 3600 AND time > now() - INTERVAL 1 DAY AND {CHOSEN}
                AND device_id IN (SELECT device_id FROM device_registry FINAL WHERE is_active)
            GROUP BY device_id)
    """, unit="s", thresholds=rising(GREEN, (YELLOW, 120), (RED, SILENT_S)))
    board.stat("Time to ClickHouse", "The longest time from receipt to stored within the last five minutes, or that of what waits.", (4, 4), """
        SELECT greatest(ifNotFinite(max(row_delay_ms), 0), toFloat64(max(journal_age_ms))) AS delay
        FROM system_metrics WHERE timestamp > now() - INTERVAL 5 MINUTE
    """, unit="ms", thresholds=rising(GREEN, (YELLOW, 5_000), (RED, DELAY_MS)))
    board.stat("Refused", "Messages refused and readings kept apart in the chosen time, and what the broker refused. The table below says why.", (4, 4), """
        SELECT sum(arraySum(mapValues(refused))) AS refused FROM system_metrics WHERE $__timeFilter(timestamp)
    """, unit="none", thresholds=rising(GREEN, (YELLOW, 1), (RED, 1_000)))
    board.stat("Journal", "How full the journal is: what waits for ClickHouse.", (4, 4), """
        SELECT ifNotFinite(max(journal_bytes / journal_max_bytes), 0) AS filled
        FROM system_metrics WHERE timestamp > now() - INTERVAL 1 MINUTE
    """, unit="percentunit", decimals=1, thresholds=rising(GREEN, (YELLOW, 0.25), (RED, JOURNAL_SHARE)))
    board.stat("Disk free", "Free space on ClickHouse's disk.", (4, 4), """
        SELECT min(free_space) AS free FROM system.disks
    """, unit="bytes", decimals=1, thresholds=rising(RED, (YELLOW, FREE_BYTES), (GREEN, 5 * FREE_BYTES)))

    board.row("Rooms")
    links = {"links": TO_DEVICE_BY_LABEL}
    board.series("Temperature", "The mean of each device.", (12, 8), mean_of_each("temperature", "temperature"),
                 points=FEW, unit="celsius", defaults=links | {"decimals": 1, "displayName": "${__field.labels.device_id}"})
    board.series("Humidity", "The mean of each device.", (12, 8), mean_of_each("humidity", "humidity"),
                 points=FEW, unit="humidity", defaults=links | {"decimals": 1, "displayName": "${__field.labels.device_id}"})
    board.panel("table", "Latest values", "The newest reading of each quantity up to the end of the chosen time.", (14, 8), f"""
        SELECT device_id AS device, maxIf(newest, quantity = 'temperature').2 AS temperature,
            maxIf(newest, quantity = 'humidity').2 AS humidity,
            if(countIf(quantity = 'co2') > 0, maxIf(newest, quantity = 'co2').2, NULL) AS co2,
            dateDiff('second', max(newest.1), least(now64(3), $__toTime)) AS age
        FROM readings_by_time
        WHERE step = 3600 AND time > $__toTime - INTERVAL 1 DAY AND time <= $__toTime AND {CHOSEN}
        GROUP BY device ORDER BY device
    """, table=True, overrides=[
        {"matcher": {"id": "byName", "options": "device"}, "properties": [{"id": "links", "value": TO_DEVICE}]},
        {"matcher": {"id": "byName", "options": "temperature"},
         "properties": [{"id": "unit", "value": "celsius"}, {"id": "decimals", "value": 1}]},
        {"matcher": {"id": "byName", "options": "humidity"},
         "properties": [{"id": "unit", "value": "humidity"}, {"id": "decimals", "value": 0}]},
        {"matcher": {"id": "byName", "options": "co2"}, "properties": [{"id": "unit", "value": "ppm"}, {"id": "decimals", "value": 0}]},
        {"matcher": {"id": "byName", "options": "age"}, "properties": [
            {"id": "unit", "value": "s"},
            {"id": "thresholds", "value": rising(GREEN, (YELLOW, 300), (RED, 3_600))},
            {"id": "custom.cellOptions", "value": {"type": "color-text"}}]},
    ], options={"showHeader": True, "cellHeight": "sm"})
    board.panel("bargauge", "Window positions", "What each window reports; what it was told where it reports nothing.", (10, 8), f"""
        SELECT device_id AS device, max((kind = 'reported', h.time, minutes.1[-1], minutes.2[-1])).4 % 16384 / 100 AS position
        FROM positions_by_hour AS h
        WHERE time > $__toTime - INTERVAL 30 DAY AND time <= $__toTime AND {CHOSEN}
        GROUP BY device ORDER BY device
    """, unit="percent", table=True, defaults={"min": 0, "max": 100, "decimals": 0, "thresholds": rising(BLUE),
                                               "color": {"mode": "thresholds"}},
                options={"reduceOptions": {"values": True, "calcs": ["lastNotNull"], "fields": ""}, "displayMode": "gradient",
                         "orientation": "horizontal", "showUnfilled": True, "valueMode": "color", "namePlacement": "auto",
                         "minVizHeight": 16, "minVizWidth": 8, "sizing": "auto", "maxVizHeight": 300})
    board.series("$quantity", "The mean of each device, in the quantity's own unit: °C, %, ppm, hPa, lx, mm/h or m/s.", (24, 7),
                 mean_of_each(None, "value"), points=FEW, interval="1m", unit="short",
                 defaults=links | {"displayName": "${__field.labels.device_id}"})

    board.row("Health")
    board.panel("state-timeline", "Devices", "From birth messages, last wills and silence.", (12, 8), f"""
        SELECT greatest(timestamp, $__fromTime_ms) AS time, device_id,
            multiIf(event = 'online', 1, event = 'offline', 0, event = 'inactive', -1, NULL) AS state
        FROM (
            SELECT timestamp, device_id, event FROM device_events WHERE $__timeFilter_ms(timestamp)
            UNION ALL
            SELECT max(e.timestamp), e.device_id, argMax(e.event, e.timestamp) FROM device_events AS e
            WHERE e.timestamp < $__fromTime_ms AND e.event IN ('online', 'offline', 'inactive') GROUP BY e.device_id)
        WHERE {CHOSEN} AND event IN ('online', 'offline', 'inactive')
        ORDER BY time LIMIT 2000
    """, unit="none", defaults={"displayName": "${__field.labels.device_id}", "custom": {"fillOpacity": 70, "lineWidth": 0},
                   "mappings": mapped(n1=("online", GREEN), n0=("offline", RED), nm1=("silent", YELLOW))},
                options={"mergeValues": True, "showValue": "never", "rowHeight": 0.8, "alignValue": "left",
                         "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                         "tooltip": {"mode": "single", "sort": "none"}})
    board.series("Messages a second", "Messages accepted, by kind.", (12, 8), """
        SELECT time, kind, sum(n) / $__interval_s AS per_second
        FROM (SELECT $__timeInterval(timestamp) AS time, mapKeys(messages) AS kinds, mapValues(messages) AS counts
              FROM system_metrics WHERE $__timeFilter(timestamp))
        ARRAY JOIN kinds AS kind, counts AS n
        GROUP BY time, kind ORDER BY time, kind
    """, unit="cps", custom={"stacking": {"mode": "normal", "group": "A"}, "fillOpacity": 40},
                 defaults={"displayName": "${__field.labels.kind}"})
    board.series("Refused messages", "What was refused in each interval, by reason: messages, readings kept apart as suspect, clients of the embedded broker.", (12, 7), """
        SELECT time, reason, sum(n) AS refused
        FROM (SELECT $__timeInterval(timestamp) AS time, mapKeys(refused) AS reasons, mapValues(refused) AS counts
              FROM system_metrics WHERE $__timeFilter(timestamp))
        ARRAY JOIN reasons AS reason, counts AS n
        GROUP BY time, reason ORDER BY time, reason
    """, unit="none", custom={"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal", "group": "A"}},
                 defaults={"displayName": "${__field.labels.reason}"})
    board.panel("table", "Last refused messages", "A sample of them, with the beginning of each payload.", (12, 7), """
        SELECT received_at, topic, reason, detail, first_bytes FROM ingest_errors
        WHERE $__timeFilter_ms(received_at) ORDER BY received_at DESC LIMIT 50
    """, table=True, options={"showHeader": True, "cellHeight": "sm"})
    board.series("Delays", "From a reading's own time to its row and from receipt to stored (longest); from request to command and "
                 "within the model (means).", (12, 7),
                 metrics("avgOrNullIf(reading_to_row_ms, isFinite(reading_to_row_ms)) AS reading_to_row, "
                         "maxOrNullIf(row_delay_ms, isFinite(row_delay_ms)) AS stored, "
                         "avgOrNullIf(decision_ms, isFinite(decision_ms)) AS decided, "
                         "avgOrNullIf(inference_ms, isFinite(inference_ms)) AS inferred"), unit="ms",
                 custom={"scaleDistribution": {"type": "log", "log": 10}} | DASHED, defaults=above(DELAY_MS))
    board.series("Waiting", "What waits in the journal for ClickHouse: records, and the age of the oldest.",
                 (12, 7), metrics("max(journal_records) AS records, max(journal_age_ms) AS age"), unit="none",
                 overrides=[{"matcher": {"id": "byName", "options": "age"}, "properties": [
                     {"id": "unit", "value": "ms"}, {"id": "custom.axisPlacement", "value": "right"}]}])
    board.series("Repeated and lost", "Repeats that were not stored again, failed inserts (they are tried again), reconnects to the broker, "
                 "inference requests that could not be sent.", (12, 7),
                 metrics("sum(duplicates) AS repeats, sum(store_failures) AS failed_inserts, sum(reconnects) AS reconnects, "
                         "sum(requests_dropped) AS dropped_requests"), unit="none",
                 custom={"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal", "group": "A"}})
    board.series("ClickHouse", "Memory of the server and size of the database.", (12, 7),
                 metrics("maxOrNullIf(database_memory_bytes, database_memory_bytes > 0) AS memory, "
                         "maxOrNullIf(database_disk_bytes, database_disk_bytes > 0) AS disk"), unit="bytes")
    board.series("Uptime", "Of each backend and of ClickHouse: it falls where one was started again.", (18, 7),
                 [metrics("instance, min(uptime_s) AS uptime", "time, instance"),
                  metrics("'ClickHouse' AS instance, minOrNullIf(database_uptime_s, database_uptime_s > 0) AS uptime")], unit="s",
                 defaults={"displayName": "${__field.labels.instance}"})
    board.stat("Restarts", "Of backends and of ClickHouse in the chosen time.", (6, 7), """
        SELECT countIf(uptime_s < uptime_before) AS backend, countIf(database_uptime_s < database_before AND database_uptime_s > 0) AS clickhouse
        FROM (
            SELECT uptime_s, database_uptime_s,
                lagInFrame(uptime_s) OVER (PARTITION BY instance ORDER BY timestamp) AS uptime_before,
                lagInFrame(database_uptime_s) OVER (PARTITION BY instance ORDER BY timestamp) AS database_before
            FROM system_metrics WHERE $__timeFilter(timestamp))
    """, unit="none", thresholds=rising(GREEN, (YELLOW, 1), (RED, 10)))
    return board.write("system-overview")


# Device detail --------------------------------------------------------------------------------------------------------

def kept(where):
    """Share of decisions that nobody corrected, with the range that a share of so few may truly have (Wilson, 95 %)."""
    n, k = "sum(decisions)", "(sum(decisions) - sum(corrected))"
    centre = f"({k} + 1.92) / ({n} + 3.84)"
    half = f"1.96 * sqrt({k} * sum(corrected) / {n} + 0.96) / ({n} + 3.84)"
    return (f"{k} / {n} AS kept, greatest(0, {centre} - {half}) AS low, least(1, {centre} + {half}) AS high")


def device():
    board = Dashboard("casement-device", "Device Detail", "One room: what was measured, heard, decided and done.",
                      [LOCATION, DEVICE, QUANTITY], annotations(ONE), since="now-24h")
    board.panel("table", "Device", "As it is registered.", (24, 3), f"""
        SELECT device_id, name, location, registered_at, last_seen, is_active FROM device_registry FINAL WHERE {ONE}
    """, table=True, options={"showHeader": True, "cellHeight": "sm"})
    for quantity, unit in (("temperature", "celsius"), ("humidity", "humidity")):
        board.series(quantity.capitalize(), "Mean as a line, lowest to highest as a band.", (12, 8),
                     band_of_one(quantity), unit=unit, overrides=band(), defaults={"decimals": 1})
    board.series("$quantity", "Mean as a line, lowest to highest as a band, in the quantity's own unit.", (12, 8),
                 band_of_one(None), interval="1m", unit="short", overrides=band())
    board.series("Audio activity", "Level of the clips (energy mean) and their loudest moment, in dB re full scale.", (12, 8),
                 rolled_up("sound_by_time", "10 * log10(sum(energy) / sum(seconds)) AS level, toFloat64(max(s.loudest)) AS loudest", ONE),
                 unit="dB", overrides=[
                     {"matcher": {"id": "byName", "options": "loudest"}, "properties": [
                         {"id": "custom.lineWidth", "value": 0}, {"id": "custom.showPoints", "value": "always"},
                         {"id": "custom.fillOpacity", "value": 0}]}], defaults={"links": TO_ITS_SOUND})
    board.series("Clips heard", "Clips in each interval; nothing where none came.", (12, 8),
                 rolled_up("sound_by_time", "sum(s.clips) AS clips", ONE), points=RARE, unit="none",
                 custom={"drawStyle": "bars", "fillOpacity": 60})
    board.series("Window position", "What it was told and what it reports. Over long times the mean, weighted by time.", (12, 8),
                 [positions("commanded"), positions("reported")], unit="percent",
                 custom={"lineInterpolation": "stepAfter", "spanNulls": True, "showPoints": "never", "fillOpacity": 0},
                 defaults={"min": 0, "max": 100})
    board.series("Confidence", "The model's own, mean of its predictions, carried out or held.", (12, 7),
                 rolled_up("predictions_by_time", "model_version, sum(s.confidence) / sum(s.predictions) AS confidence", ONE,
                           "time, model_version"), unit="percentunit", custom=DASHED,
                 defaults={"min": 0, "max": 1, "displayName": "${__field.labels.model_version}", "links": TO_ITS_DECISIONS} | below(CONFIDENCE))
    board.series("Decisions kept", "Share of the model's decisions that nobody corrected within half an hour, and the range that so few "
                 "decisions leave open (95 %). The newest half hour is not judged yet.", (12, 7),
                 rolled_up("outcomes_by_time", kept(ONE), ONE), points=RARE, unit="percentunit", overrides=band("kept"),
                 defaults={"min": 0, "max": 1})
    board.panel("stat", "Prediction accuracy", "In the chosen time: decisions judged, corrected, kept, and by how many points a "
                "correction moved the window.", (24, 4), f"""
        SELECT sum(s.decisions) AS decisions, sum(s.corrected) AS corrected,
            round(100 * (decisions - corrected) / decisions, 1) AS kept_percent,
            round(sum(correction) / sum(s.corrected), 1) AS correction_points
        FROM outcomes_by_time AS s WHERE step = {STEP} AND $__timeFilter(s.time) AND {ONE}
    """, table=True, points=FEW, unit="none", options={"reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
                                            "colorMode": "value", "graphMode": "none", "textMode": "value_and_name"})
    board.series("Why", "What temperature, humidity and sound add to the average of the model's training, in points of the position: mean of "
                 "the decisions in each interval, carried out or held.", (24, 8), f"""
        SELECT $__timeInterval(timestamp) AS time, avg(contribution_temperature) AS temperature,
            avg(contribution_humidity) AS humidity, avg(contribution_sound) AS sound
        FROM ml_predictions WHERE $__timeFilter_ms(timestamp) AND {ONE} AND isFinite(average) AND verdict != ''
        GROUP BY time ORDER BY time
    """, points=FEW, unit="none", custom={"fillOpacity": 0}, defaults={"decimals": 0})
    board.panel("table", "Latest moves", "Every command, and why it was given. model_confidence: before it was lowered for an input far from "
                "the model's training; largest_z: how far, in standard deviations.", (24, 8), f"""
        SELECT timestamp, position, confidence, model_confidence, largest_z, origin, cause, reason, verdict, model_version, temperature, humidity FROM window_actions
        WHERE $__timeFilter_ms(timestamp) AND {ONE} ORDER BY timestamp DESC LIMIT 100
    """, table=True, overrides=[
        {"matcher": {"id": "byName", "options": "position"}, "properties": [{"id": "unit", "value": "percent"}, {"id": "decimals", "value": 0}]},
        {"matcher": {"id": "byName", "options": "confidence"}, "properties": [{"id": "unit", "value": "percentunit"}]},
        {"matcher": {"id": "byName", "options": "model_confidence"}, "properties": [{"id": "unit", "value": "percentunit"}]},
        {"matcher": {"id": "byName", "options": "largest_z"}, "properties": [{"id": "decimals", "value": 1}]},
    ], options={"showHeader": True, "cellHeight": "sm"})
    return board.write("device-detail")


# ML metrics -----------------------------------------------------------------------------------------------------------

def ml():
    board = Dashboard("casement-ml", "ML Metrics", "How often the model decides, how sure it is, how fast, and whether people agree.",
                      [LOCATION, DEVICES, MODEL], annotations(CHOSEN), since="now-24h")
    chosen = f"{CHOSEN} AND {VERSIONS}"
    by_version = {"displayName": "${__field.labels.model_version}"}
    board.series("Prediction frequency", "Predictions in each interval, by version: carried out, held, or those of a candidate.", (12, 8),
                 rolled_up("predictions_by_time", "model_version, sum(s.predictions) AS predictions", chosen, "time, model_version"),
                 points=FEW, unit="none", custom={"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal", "group": "A"}},
                 defaults=by_version)
    board.panel("barchart", "Confidence distribution", "Predictions in the chosen time, in twenty bins.", (12, 8), f"""
        SELECT toString(round(bin / 20, 2)) AS confidence, predictions
        FROM (SELECT sumMap(confidence_bins) AS bins FROM predictions_by_time AS s
              WHERE step = {STEP} AND $__timeFilter(s.time) AND {chosen})
        ARRAY JOIN range(20) AS bin, arrayMap(b -> bins[toUInt8(b)], range(20)) AS predictions
        ORDER BY bin
    """, table=True, points=FEW, unit="none", options={"xField": "confidence", "orientation": "vertical", "barWidth": 0.97, "groupWidth": 0.7,
                                            "showValue": "never", "stacking": "none", "xTickLabelRotation": 0, "xTickLabelSpacing": 0,
                                            "fullHighlight": False, "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
                                            "tooltip": {"mode": "single", "sort": "none"}})
    board.heatmap("Confidence over time", "How many predictions had which confidence, in percent.", (12, 8), f"""
        SELECT time, leftPad(toString(bin * 10), 2, '0') AS bucket, sum(n) AS predictions
        FROM (SELECT $__timeInterval(s.time) AS time, sumMap(confidence_bins) AS bins FROM predictions_by_time AS s
              WHERE step = {STEP} AND $__timeFilter(s.time) AND {chosen} GROUP BY time)
        ARRAY JOIN range(10) AS bin, arrayMap(b -> bins[toUInt8(2 * b)] + bins[toUInt8(2 * b + 1)], range(10)) AS n
        GROUP BY time, bucket ORDER BY time, bucket
    """, unit="none", row_unit="percent")
    board.series("Carried out and held", "Predictions that moved a window, and those that were held because their confidence was too low "
                 "(ml.min_confidence). A candidate's are neither.", (12, 8), f"""
        SELECT time, sum(n) AS carried_out, sum(h) AS held
        FROM (
            SELECT $__timeInterval(s.time) AS time, s.commands AS n, 0 AS h FROM commands_by_time AS s
            WHERE step = {STEP} AND $__timeFilter(s.time) AND origin = 'model' AND {chosen}
            UNION ALL
            SELECT $__timeInterval(s.time) AS time, 0 AS n, s.held AS h FROM predictions_by_time AS s
            WHERE step = {STEP} AND $__timeFilter(s.time) AND {chosen})
        GROUP BY time ORDER BY time
    """, points=FEW, unit="none", custom={"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal", "group": "A"}})
    board.series("Verdicts", "What the law of moves said of the model's decisions: moved, limited to less or more than the model wanted, or why the "
                 "window stayed. Unsure: the confidence was too low.", (12, 8), f"""
        SELECT $__timeInterval(timestamp) AS time, verdict, count() AS decisions
        FROM ml_predictions WHERE $__timeFilter_ms(timestamp) AND {chosen} AND verdict != ''
        GROUP BY time, verdict ORDER BY time, verdict
    """, points=FEW, unit="none", custom={"drawStyle": "bars", "fillOpacity": 60, "stacking": {"mode": "normal", "group": "A"}},
                 defaults={"displayName": "${__field.labels.verdict}"})
    board.series("Inference latency", "As the service states it; without a statement, from request to command.", (12, 8), f"""
        SELECT time, q[1] AS p50, q[2] AS p95, q[3] AS p99, slowest
        FROM (SELECT $__timeInterval(s.time) AS time, toFloat64(max(slowest_ms)) AS slowest,
                  quantilesTDigestMerge(0.5, 0.95, 0.99)(inference_time_ms) AS q
              FROM predictions_by_time AS s WHERE step = {STEP} AND $__timeFilter(s.time) AND {chosen} GROUP BY time)
        ORDER BY time
    """, points=FEW, unit="ms")
    board.series("Decisions kept", "Share of decisions that nobody corrected within half an hour, by version.", (12, 8),
                 rolled_up("outcomes_by_time", "model_version, 1 - sum(s.corrected) / sum(s.decisions) AS kept", chosen,
                           "time, model_version"), points=RARE, unit="percentunit", defaults=by_version | {"min": 0, "max": 1})
    board.series("Correction", "By how many points a correction moved the window, mean.", (12, 9),
                 rolled_up("outcomes_by_time", "model_version, if(sum(s.corrected) = 0, NULL, sum(s.correction) / sum(s.corrected)) AS correction",
                           chosen, "time, model_version"), points=RARE, unit="none", defaults=by_version)
    board.panel("table", "Calibration", "For each tenth of confidence: how sure the model was, and the share that people kept, with "
                "the range that so few decisions leave open (95 %). A model that knows what it knows has both alike.", (12, 9), f"""
        SELECT concat(toString(tenth * 10), ' to ', toString(tenth * 10 + 10), ' %') AS confidence, n AS decisions, k / n AS kept,
            greatest(0, (k + 1.92) / (n + 3.84) - 1.96 * sqrt(k * (n - k) / n + 0.96) / (n + 3.84)) AS at_least,
            least(1, (k + 1.92) / (n + 3.84) + 1.96 * sqrt(k * (n - k) / n + 0.96) / (n + 3.84)) AS at_most
        FROM (SELECT sumMap(decision_bins) AS judged, sumMap(corrected_bins) AS corrected FROM outcomes_by_time AS s
              WHERE step = {STEP} AND $__timeFilter(s.time) AND {chosen})
        ARRAY JOIN range(10) AS tenth,
            arrayMap(b -> toInt64(judged[toUInt8(2 * b)] + judged[toUInt8(2 * b + 1)]), range(10)) AS n,
            arrayMap(b -> toInt64(judged[toUInt8(2 * b)] + judged[toUInt8(2 * b + 1)])
                - toInt64(corrected[toUInt8(2 * b)] + corrected[toUInt8(2 * b + 1)]), range(10)) AS k
        WHERE n > 0 ORDER BY tenth
    """, table=True, points=FEW, overrides=[{"matcher": {"id": "byRegexp", "options": "kept|at_.*"}, "properties": [
        {"id": "unit", "value": "percentunit"}, {"id": "decimals", "value": 0}]}], options={"showHeader": True, "cellHeight": "sm"})
    board.panel("table", "Versions", "What each version predicted in the chosen time, and how much of it was held. Unsure: confidence below 0.05.", (24, 5), f"""
        SELECT model_version, sum(s.predictions) AS predictions, sum(s.held) AS held, sum(s.total) / sum(s.predictions) AS position,
            sum(s.confidence) / sum(s.predictions) AS confidence, sumMap(confidence_bins)[0] / sum(s.predictions) AS unsure
        FROM predictions_by_time AS s WHERE step = {STEP} AND $__timeFilter(s.time) AND {chosen}
        GROUP BY model_version ORDER BY model_version
    """, table=True, points=FEW, overrides=[
        {"matcher": {"id": "byRegexp", "options": "confidence|unsure"}, "properties": [{"id": "unit", "value": "percentunit"}]},
        {"matcher": {"id": "byName", "options": "position"}, "properties": [{"id": "unit", "value": "percent"}, {"id": "decimals", "value": 1}]},
    ], options={"showHeader": True, "cellHeight": "sm"})
    board.series("Far from the training data", "Share of predictions with a confidence below 0.05: inputs that the model has not met "
                 "are answered so. When it rises, something changed: a sensor, a room, a season.", (24, 7),
                 rolled_up("predictions_by_time", "model_version, sumMap(s.confidence_bins)[0] / sum(s.predictions) AS share", chosen,
                           "time, model_version"), points=FEW, unit="percentunit", custom=DASHED, defaults=by_version | {"min": 0} | above(FAR_SHARE))
    return board.write("ml-metrics")


# Audio analysis -------------------------------------------------------------------------------------------------------

def audio():
    board = Dashboard("casement-audio", "Audio Analysis", "What was heard: levels, features and spectra of the clips.",
                      [LOCATION, DEVICES, variable("one", "Spectra of", f"""
                          SELECT device_id FROM device_registry FINAL WHERE {OF_LOCATION} ORDER BY is_active DESC, device_id
                      """, several=False)], annotations(CHOSEN), since="now-24h")
    one = "device_id = ${one:singlequote}"
    by_device = {"displayName": "${__field.labels.device_id}", "links": TO_DEVICE_BY_LABEL}

    def mean(column, name):
        return rolled_up("sound_by_time", f"device_id, {column} AS {name}", CHOSEN, "time, device_id")

    board.series("RMS", "RMS amplitude of the clips in dB re full scale, mean.", (12, 8),
                 mean("20 * log10(sum(s.rms) / sum(s.clips))", "rms"), points=FEW, unit="dB", defaults=by_device)
    board.series("Level", "Equivalent level of the clips in dB re full scale.", (12, 8),
                 mean("10 * log10(sum(s.energy) / sum(s.seconds))", "level"), points=FEW, unit="dB", defaults=by_device)
    board.series("Loudest moment", "The loudest eighth of a second of the clips, in dB re full scale.", (12, 8), mean("toFloat64(max(s.loudest))", "loudest"), points=FEW, unit="dB", defaults=by_device)
    board.series("Zero crossings", "Share of samples at which the sign changes: noise is high, voices are low.", (12, 8),
                 mean("sum(s.crossings) / sum(s.clips)", "crossings"), points=FEW, unit="percentunit", defaults=by_device)
    board.series("Spectral centroid", "Centre of mass of the spectrum.", (12, 8), mean("sum(s.centroid) / sum(s.clips)", "centroid"),
                 points=FEW, unit="hertz", defaults=by_device)
    board.series("Spectral rolloff", "85 % of the energy lies below it.", (12, 8), mean("sum(s.rolloff) / sum(s.clips)", "rolloff"),
                 points=FEW, unit="hertz", defaults=by_device)
    board.heatmap("Spectrum of $one", "32 mel bands in dB, means of the clips (audio.spectrum); where none is stored, their envelope from the mean MFCCs.",
                  (24, 10), f"""
        SELECT time, leftPad(toString(toUInt32(hz)), 5, '0') AS bucket, level
        FROM (
            SELECT $__timeInterval(s.time) AS time, sum(s.clips) AS n, sumForEachMerge(mfcc) AS c, sumForEachMerge(mel_db) AS mel,
                /* the MFCCs are of 128 bands */
                if(notEmpty(mel), mel, arrayMap(band -> c[1] / sqrt(128)
                    + sqrt(2 / 128) * arraySum(k -> c[k + 1] * cos(pi() * k * (2 * (band / 33 * 129 - 1) + 1) / 256), range(1, length(c))),
                    range(1, 33))) AS sums
            FROM sound_by_time AS s WHERE step = {STEP} AND $__timeFilter(s.time) AND {one}
            GROUP BY time HAVING notEmpty(c) OR notEmpty(mel))
        ARRAY JOIN arrayMap(sum -> sum / n, sums) AS level,
            /* middles of 32 mel bands up to 8 kHz, in Hz (Slaney) */
            arrayMap(band -> if(band / 33 * 45.2456 < 15, band / 33 * 45.2456 * 200 / 3,
                1000 * exp(0.06875178 * (band / 33 * 45.2456 - 15))), range(1, 33)) AS hz
        ORDER BY time, bucket
    """, unit="dB", row_unit="hertz", scheme="Turbo")
    board.heatmap("MFCC of $one", "Coefficients 2 to 20, means of the clips; the first is the level and would drown the rest.", (24, 8), f"""
        SELECT time, leftPad(toString(number), 2, '0') AS bucket, value / n AS coefficient
        FROM (SELECT $__timeInterval(s.time) AS time, sum(s.clips) AS n, sumForEachMerge(mfcc) AS c
              FROM sound_by_time AS s WHERE step = {STEP} AND $__timeFilter(s.time) AND {one} GROUP BY time)
        ARRAY JOIN c AS value, arrayEnumerate(c) AS number
        WHERE number > 1 ORDER BY time, bucket
    """, unit="none", scheme="RdBu")
    board.panel("table", "Latest clips of $one", "The newest hundred.", (24, 8), f"""
        SELECT timestamp, duration, sample_rate, format, level_dbfs, max_level_dbfs, spectral_centroid, zero_crossing_rate, audio_hash
        FROM sensor_audio WHERE $__timeFilter_ms(timestamp) AND {one} ORDER BY timestamp DESC LIMIT 100
    """, table=True, overrides=[
        {"matcher": {"id": "byRegexp", "options": ".*level.*"}, "properties": [{"id": "unit", "value": "dB"}, {"id": "decimals", "value": 1}]},
        {"matcher": {"id": "byName", "options": "duration"}, "properties": [{"id": "unit", "value": "s"}]},
        {"matcher": {"id": "byRegexp", "options": "sample_rate|spectral_centroid"}, "properties": [{"id": "unit", "value": "hertz"}]},
    ], options={"showHeader": True, "cellHeight": "sm"})
    return board.write("audio-analysis")


# Alert rules ----------------------------------------------------------------------------------------------------------

# The last hour's predictions of models that serve: a candidate's lead to no command, and are not held either.
OF_SERVING_MODELS = """step = 60 AND s.time > now() - INTERVAL 1 HOUR AND model_version IN (
            SELECT model_version FROM commands_by_time WHERE step = 60 AND time > now() - INTERVAL 1 HOUR AND origin = 'model'
            UNION ALL SELECT model_version FROM predictions_by_time WHERE step = 60 AND time > now() - INTERVAL 1 HOUR AND held > 0)"""

# Name, title, what to do, dashboard and panel to look at, SQL (a number over time or one for each label), what is too
# much, for how long.
ALERTS = [
    ("offline", "Device offline", "{{ $labels.device_id }} has sent no reading for ten minutes. Look at its power and its network.",
     ("system-overview", "Longest silence"), """
        SELECT now() AS t, device_id, toFloat64(dateDiff('second', max(newest.1), now64(3))) AS age
        FROM readings_by_time WHERE step = 3600 AND time > now() - INTERVAL 7 DAY
            AND device_id IN (SELECT device_id FROM device_registry FINAL)
        GROUP BY device_id ORDER BY t
    """, ">", SILENT_S, "2m"),
    ("stuck", "Window stuck", "{{ $labels.device_id }} is more than ten points from what it was told ten minutes ago. Look at the motor.",
     ("system-overview", "Window positions"), """
        SELECT now() AS t, device_id, toFloat64(if(told_at < now() - INTERVAL 10 MINUTE AND reported_at > told_at, abs(told - reported), 0)) AS distance
        FROM (SELECT device_id, argMax(position, timestamp) AS told, max(timestamp) AS told_at FROM window_actions
              WHERE timestamp > now() - INTERVAL 1 DAY GROUP BY device_id) AS a
        INNER JOIN (SELECT device_id, argMax(position, timestamp) AS reported, max(timestamp) AS reported_at FROM window_states
              WHERE timestamp > now() - INTERVAL 1 DAY GROUP BY device_id) AS s USING device_id
        ORDER BY t
    """, ">", 10, "5m"),
    ("behind", "ClickHouse behind", "Readings wait longer than a minute to be stored. Look at ClickHouse and its disk; nothing is lost while the journal has room.",
     ("system-overview", "Delays"), """
        SELECT now() AS t, toFloat64(greatest(ifNotFinite(max(row_delay_ms), 0), toFloat64(max(journal_age_ms)))) AS delay FROM system_metrics
        WHERE timestamp > now() - INTERVAL 5 MINUTE
    """, ">", DELAY_MS, "2m"),
    ("silent", "Backend silent", "No backend has written its metrics for two minutes: it is down, or ClickHouse takes no rows. Look at its log and its /ready.",
     ("system-overview", "Uptime"), """
        SELECT now() AS t, toFloat64(dateDiff('second', max(timestamp), now64(3))) AS age FROM system_metrics
    """, ">", 120, "1m"),
    ("refusals", "Refusals rising", "More than a tenth of what arrives is refused or suspect. The overview lists it with reasons and remedies.",
     ("system-overview", "Refused messages"), """
        SELECT now() AS t, ifNotFinite(sum(arraySum(mapValues(refused))) / (sum(arraySum(mapValues(refused))) + sum(arraySum(mapValues(messages)))), 0) AS share
        FROM system_metrics WHERE timestamp > now() - INTERVAL 10 MINUTE
    """, ">", REFUSED_SHARE, "10m"),
    ("confidence", "Confidence low", "The mean confidence of the last hour is below 0.3. Train with the rooms' own data: casement train --from clickhouse.",
     ("ml-metrics", "Confidence over time"), """
        SELECT now() AS t, if(sum(s.predictions) < 20, 1, sum(s.confidence) / sum(s.predictions)) AS confidence
        FROM predictions_by_time AS s WHERE """ + OF_SERVING_MODELS, "<", CONFIDENCE, "30m"),
    ("drift", "Inputs unlike the training data", "More than a quarter of the last hour's predictions were far from the training data. A sensor may be broken, or the model needs training.",
     ("ml-metrics", "Far from the training data"), """
        SELECT now() AS t, if(sum(s.predictions) < 20, 0, sumMap(s.confidence_bins)[0] / sum(s.predictions)) AS share
        FROM predictions_by_time AS s WHERE """ + OF_SERVING_MODELS, ">", FAR_SHARE, "30m"),
    ("journal", "Journal filling", "The journal is more than half full. When it is full, nothing is acknowledged until ClickHouse takes rows: look at ClickHouse, or raise journal.max_bytes.",
     ("system-overview", "Journal"), """
        SELECT now() AS t, ifNotFinite(toFloat64(max(journal_bytes / journal_max_bytes)), 0) AS filled FROM system_metrics
        WHERE timestamp > now() - INTERVAL 2 MINUTE
    """, ">", JOURNAL_SHARE, "2m"),
    ("disk", "Disk nearly full", "Less than 2 GiB are free on ClickHouse's disk. Delete old months or give it more room.",
     ("system-overview", "Disk free"), """
        SELECT now() AS t, toFloat64(min(free_space)) AS free FROM system.disks
    """, "<", FREE_BYTES, "5m"),
]


def alerts(boards):
    """Each rule names the panel to look at, by its id."""
    boards = {pathlib.Path(name).stem: json.loads(text) for name, text in boards}
    lines = ["# Written by dashboards.py. Contact points and notification policies are yours: Grafana's default policy receives these.",
             "apiVersion: 1", "groups:", "  - orgId: 1", "    name: casement", "    folder: Casement", "    interval: 1m", "    rules:"]
    for name, title, advice, (board, panel), query, sign, limit, lasting in ALERTS:
        evaluator = {">": "gt", "<": "lt"}[sign]
        [shown] = [shown["id"] for shown in boards[board]["panels"] if shown["title"] == panel]
        lines += [
            f"      - uid: casement-{name}", f"        title: {title}", "        condition: C", f"        for: {lasting}",
            "        noDataState: OK", "        execErrState: Error",
            f"        dashboardUid: {boards[board]['uid']}", f"        panelId: {shown}",
            "        annotations:", f"          summary: {json.dumps(advice, ensure_ascii=False)}",
            "        labels:", "          system: casement", "        data:",
            "          - refId: A", "            datasourceUid: casement", "            relativeTimeRange: {from: 600, to: 0}",
            "            model:", "              refId: A", "              editorType: sql", f"              pluginVersion: {PLUGIN_VERSION}",
            "              queryType: timeseries", "              format: 0", "              rawSql: |",
            *(f"                {line}" for line in sql(query).splitlines()),
            "          - refId: B", "            datasourceUid: __expr__", "            model:",
            "              {refId: B, type: reduce, reducer: last, expression: A}",
            "          - refId: C", "            datasourceUid: __expr__", "            model:", "              refId: C",
            "              type: threshold", "              expression: B", "              conditions:",
            f"                - evaluator: {{type: {evaluator}, params: [{limit}]}}",
        ]
    return "provisioning/alerting/casement.yaml", "\n".join(lines) + "\n"


def main():
    """Writes every file; with --check, says which would differ."""
    stale = []
    boards = [overview(), device(), ml(), audio()]
    for name, text in [*boards, alerts(boards)]:
        path = HERE / name
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        sys.exit(f"write these again with {pathlib.Path(__file__).name}: {', '.join(stale)}")


if __name__ == "__main__":
    main()
