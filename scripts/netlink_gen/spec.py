# SPDX-License-Identifier: GPL-2.0
"""The specification, read: enums, attribute sets, requests, settings, reasons.

A doc is a text followed by lines "Field: value"; see docs/netlink/nf_flow_offload.yaml.
"""
import re

import yaml

U32_MAX = 4294967295
FIELDS = ("Default", "Unit", "Remedy", "Group", "Name")
FIELD = re.compile(r"^(%s): *(.*)$" % "|".join(FIELDS))


class SpecError(Exception):
    """The specification cannot be made into C."""


def c_name(prefix, name):
    """The constant that a prefix and a name of the specification make."""
    return (prefix + name).replace("-", "_").upper()


def split_doc(doc):
    """Return the text of a doc, in one line, and its fields by name."""
    text, fields, last = [], {}, None
    for line in (doc or "").splitlines():
        found = FIELD.match(line)
        if found:
            last = found.group(1)
            fields[last] = found.group(2)
        elif last:
            fields[last] += " " + line.strip()
        else:
            text.append(line.strip())
    return " ".join(text).strip(), {k: v.strip() for k, v in fields.items()}


class Entry:
    """One constant: of an enum, or of an attribute set, or a command."""

    def __init__(self, raw, prefix, value):
        self.raw = raw if isinstance(raw, dict) else {"name": raw}
        self.name = self.raw["name"]
        self.value = self.raw.get("value", value)
        self.const = c_name(prefix, self.name)
        self.text, self.fields = split_doc(self.raw.get("doc"))

    @property
    def checks(self):
        """Limits of an attribute."""
        return self.raw.get("checks", {})


class Group:
    """Constants that share a C enum and a prefix."""

    def __init__(self, raw, entries, first):
        self.raw = raw
        self.name = raw.get("name")
        self.enum = raw["enum-name"].replace("-", "_")
        self.prefix = c_name(raw["name-prefix"], "")
        self.doc = split_doc(raw.get("doc"))[0]
        self.entries = []
        for item in entries:
            value = self.entries[-1].value + 1 if self.entries else first
            self.entries.append(Entry(item, raw["name-prefix"], value))

    def find(self, name):
        """The entry of that name."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise SpecError(f"'{self.name}' has no '{name}'")


class Setting:
    """One line of the table of settings."""

    def __init__(self, entry):
        self.name = entry.name.replace("-", "_")
        self.const = entry.const
        self.text = entry.text
        self.unit = entry.fields.get("Unit", "")
        self.min = entry.checks.get("min", 0)
        self.max = entry.checks.get("max", U32_MAX)
        if entry.raw["type"] != "u32":
            raise SpecError(f"setting {self.name}: its type must be u32")
        if not self.text or "Default" not in entry.fields:
            raise SpecError(f"setting {self.name}: its doc needs a text and a Default")
        self.default = int(entry.fields["Default"])
        if not self.min <= self.default <= self.max:
            raise SpecError(f"setting {self.name}: its default is out of range")


class Reason:
    """One reason, as tools show it."""

    def __init__(self, entry):
        self.const = entry.const
        self.name = entry.fields.get("Name", entry.name)
        self.text = entry.text
        self.remedy = entry.fields.get("Remedy", "")
        self.group = entry.fields.get("Group", "")
        if not self.text:
            raise SpecError(f"reason {self.name}: its doc needs a text")
        if entry.value and not (self.remedy and self.group):
            raise SpecError(f"reason {self.name}: its doc needs a Remedy and a Group")


class Spec:
    """All of it."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.raw = yaml.safe_load(f)
        raw = self.raw
        self.enums = {d["name"]: Group(d, d["entries"], 0)
                      for d in raw["definitions"] if d["type"] == "enum"}
        self.consts = [d for d in raw["definitions"] if d["type"] == "const"]
        self.sets = {s["name"]: Group(s, s["attributes"], 1)
                     for s in raw["attribute-sets"] if "subset-of" not in s}
        self.subsets = {s["name"]: s for s in raw["attribute-sets"] if "subset-of" in s}
        self.commands = Group(raw["operations"], raw["operations"]["list"], 1)
        self.settings = [Setting(e) for e in self.sets["settings"].entries]
        self.reasons = [Reason(e) for e in self.enums["reason"].entries]
        self.check()

    def check(self):
        """Refuse what would be lost without a word."""
        names = [e.name for e in self.sets["settings"].entries]
        for op, part in (("settings-get", "reply"), ("settings-set", "request")):
            said = self.commands.find(op).raw["do"][part]["attributes"]
            if said != names:
                raise SpecError(f"operation {op}: its {part} must list the settings in order")
        for what in ([r.name for r in self.reasons], [r.const for r in self.reasons]):
            if len(set(what)) != len(what):
                raise SpecError("two reasons have the same name")

    def groups(self):
        """Everything that becomes an enum of the UAPI header, in its order."""
        return [self.commands, *self.sets.values(), *self.enums.values()]

    def values(self):
        """Pairs of constant and value."""
        return [(e.const, e.value) for g in self.groups() for e in g.entries]

    def request_set(self, nested):
        """Names that a request may have in a nested attribute of a set."""
        subset = self.subsets.get(nested + "-request")
        if subset:
            return [a["name"] for a in subset["attributes"]]
        return [e.name for e in self.sets[nested].entries if e.raw["type"] != "pad"]

    def requests(self):
        """Names that requests may have, by attribute set; nested sets come first."""
        top, nested = {}, {}
        for op in self.commands.entries:
            for part in ("do", "dump"):
                names = op.raw.get(part, {}).get("request", {}).get("attributes", [])
                top.setdefault(op.raw["attribute-set"], set()).update(names)
        for name, names in top.items():
            for attr in names:
                inner = self.sets[name].find(attr).raw.get("nested-attributes")
                if inner:
                    nested[inner] = set(self.request_set(inner))
        wanted = {**nested, **{k: v for k, v in top.items() if v}}
        order = list(nested) + [k for k in top if k not in nested]
        rank = list(self.sets)
        nested_first = sorted(order, key=lambda k: (k not in nested, rank.index(k)))
        return {k: [e for e in self.sets[k].entries if e.name in wanted[k]]
                for k in nested_first if k in wanted}
