"""Home Assistant's own schema of MQTT discovery, as JSON Schema: which keys there are, which are required, which values.

Run by the Python of an environment that has Home Assistant (scripts/check-homeassistant.sh makes them): python schema.py > schema.json,
and with one that knows messages for a device, schema-device.json.
Only names and values are taken, which are facts of an interface; Home Assistant is Apache-2.0. Keys that it does not know it
drops without a word, so the schema allows none.
"""

import importlib
import json
import sys

import voluptuous as vol
from homeassistant.components.sensor.const import DEVICE_CLASS_UNITS, DEVICE_CLASS_STATE_CLASSES
from homeassistant.const import __version__

COMPONENTS = ["sensor", "cover", "switch", "select"]
TOPIC = {"type": "string", "minLength": 1, "maxLength": 65535}


def named(function):
    """The schema of a validating function, by its name."""
    return {
        "string": {"type": "string"},
        "template": {"type": "string"},
        "boolean": {"type": "boolean"},
        "icon": {"type": "string", "pattern": "^[^:]+:.+$"},
        "valid_qos_schema": {"enum": [0, 1, 2]},
        "valid_subscribe_topic": TOPIC,
        "valid_publish_topic": {**TOPIC, "pattern": "^[^#+]*$"},
        "configuration_url": {"type": "string", "pattern": "^(https?|homeassistant)://[^/:]+"},
        "ensure_list": {"type": "array"},
        "url": {"type": "string", "format": "uri"},
    }.get(function.__name__)


def convert(rule):
    """The schema of a rule; None for one that says nothing about the type."""
    if rule is None:
        return {"type": "null"}
    if isinstance(rule, dict):
        return record(rule)
    if isinstance(rule, list):
        return {"type": "array", "items": convert(rule[0])}
    if isinstance(rule, vol.Schema):
        if isinstance(rule.schema, dict):
            return record(rule.schema, is_open=rule.extra == vol.ALLOW_EXTRA)
        return convert(rule.schema)
    if isinstance(rule, vol.All):
        parts = [part for part in map(convert, rule.validators) if part]
        return parts[0] if len(parts) == 1 else {"allOf": parts} if parts else None
    if isinstance(rule, vol.Any):
        return {"anyOf": [part for part in map(convert, rule.validators) if part]}
    if isinstance(rule, vol.In):
        return {"enum": list(rule.container)}
    if isinstance(rule, vol.Coerce):
        if rule.type is int:
            return {"type": "integer"}
        return {"enum": sorted(member.value for member in rule.type)}
    if isinstance(rule, vol.Range):
        return {"minimum": rule.min}
    if rule in (int,):
        return {"type": "integer"}
    if rule in (str,):
        return {"type": "string"}
    return named(rule) if callable(rule) and hasattr(rule, "__name__") else None


def record(rules, is_open=False):
    """The schema of a dictionary; `str` in place of a key stands for every other one."""
    named = {key: rule for key, rule in rules.items() if key is not str}
    properties = {str(key): convert(rule) or {} for key, rule in named.items()}
    required = sorted(str(key) for key in named if isinstance(key, vol.Required))
    others = convert(rules[str]) if str in rules else is_open
    return {"type": "object", "additionalProperties": others, "required": required, "properties": properties}


def keys(schema):
    """The dictionary of keys within a schema."""
    if isinstance(schema, vol.Schema):
        return keys(schema.schema)
    if isinstance(schema, dict):
        return schema
    return next((found for found in map(keys, getattr(schema, "validators", [])) if found), None)


def knows_devices():
    """Whether this version knows messages for a whole device: 2024.11 and later."""
    year, month = map(int, __version__.split(".")[:2])
    return (year, month) >= (2024, 11)


def main():
    components = {}
    for name in COMPONENTS:
        module = importlib.import_module(f"homeassistant.components.mqtt.{name}")
        components[name] = record(keys(module.DISCOVERY_SCHEMA))
    units = {str(kind): sorted(str(unit) for unit in allowed if unit) for kind, allowed in DEVICE_CLASS_UNITS.items()}
    states = {str(kind): sorted(map(str, allowed)) for kind, allowed in DEVICE_CLASS_STATE_CLASSES.items()}
    found = {
        "source": f"homeassistant {__version__} (Apache-2.0), by schema.py",
        "components": components,
        "units": units,
        "state_classes": states,
    }
    if knows_devices():
        schemas = importlib.import_module("homeassistant.components.mqtt.schemas")
        found["device"] = record(keys(schemas.DEVICE_DISCOVERY_SCHEMA))
    json.dump(found, sys.stdout, indent=1, sort_keys=True, ensure_ascii=False)
    sys.stdout.write("\n")


main()
