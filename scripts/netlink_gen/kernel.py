# SPDX-License-Identifier: GPL-2.0
"""What the kernel and everybody who talks to it compiles: the UAPI header, policies, tables."""
import textwrap

from .spec import U32_MAX, c_name

FROM = "Written by scripts/gen-netlink from docs/netlink/nf_flow_offload.yaml: change that."
LICENCE = "SPDX-License-Identifier: GPL-2.0"
S16_MAX = 32767


def wrapped(text, first, rest, width=80):
    """A paragraph in lines that begin with @first, then @rest."""
    return textwrap.fill(text, width, initial_indent=first, subsequent_indent=rest,
                         break_long_words=False, break_on_hyphens=False)


def tabbed(left, column):
    """@left, followed by tabs up to @column, or a blank."""
    at = len(left.expandtabs(8))
    if at >= column:
        return left + " "
    return left + "\t" * ((column - at + 7) // 8)


# ---- the UAPI header ----

def type_words(spec, entry):
    """What a comment says about an attribute's type."""
    raw = entry.raw
    if raw["type"] == "nest":
        return f"nested {spec.sets[raw['nested-attributes']].prefix}*"
    if raw["type"] == "u16" and raw.get("byte-order") == "big-endian":
        return "be16"
    if raw["type"] in ("binary", "pad"):
        return ""
    if "enum" in raw:
        return f"{raw['type']}, enum {spec.enums[raw['enum']].enum}"
    return raw["type"]


def remark(spec, entry):
    """The comment behind an enumerator."""
    words = [type_words(spec, entry)] if "type" in entry.raw else []
    return ", ".join(w for w in (*words, entry.text) if w)


def number_words(s):
    """Range, unit and default of a setting."""
    limits = f"{s.min} or more" if s.max == U32_MAX else f"{s.min} to {s.max}"
    return f"{limits}{' ' + s.unit if s.unit else ''}, default {s.default}"


def enum_doc(spec, group):
    """The comment above an enum: long texts have their place there."""
    if group is spec.sets["settings"]:
        lines = [f" * @{s.const}: u32, {number_words(s)}: {s.text}" for s in spec.settings]
        tail = ""
    elif group is spec.enums["reason"]:
        lines = [f" * @{r.const}: {r.text}" for r in spec.reasons]
        tail = ' *\n * Read "the connection stays in the slow path because ...".\n'
    else:
        return f"/* {group.doc} */\n" if group.doc.endswith(".") else ""
    body = "\n".join(wrapped(line[3:], " * ", " *\t") for line in lines)
    title = group.doc.rstrip(".")
    return f"/**\n * enum {group.enum} - {title[0].lower()}{title[1:]}\n{body}\n{tail} */\n"


def enum(spec, group):
    """One enum and the name of its last value."""
    doc = enum_doc(spec, group)
    bare = doc.startswith("/**")
    out = [f"{doc}enum {group.enum} {{"]
    if group.entries[0].value:
        out.append(f"\t{group.prefix}UNSPEC,")
    section = ""
    for entry in group.entries:
        if entry.fields.get("Group", section) != section:
            section = entry.fields["Group"]
            out.append(f"\n\t/* {section} */")
        line = f"\t{entry.const},"
        # a command's doc is in the opening comment
        words = "" if bare or group is spec.commands else remark(spec, entry)
        out.append(f"{tabbed(line, 32)}/* {words} */" if words else line)
    out.append(f"\n\t__{group.prefix}MAX\n}};\n")
    if group.raw.get("render-max", group.name not in spec.enums):
        out.append(f"#define {group.prefix}MAX (__{group.prefix}MAX - 1)\n")
    return "\n".join(out)


def attrs_words(spec, op, names, request):
    """Attributes of one message."""
    group = spec.sets[op.raw["attribute-set"]]
    words = []
    for name in names:
        entry = group.find(name)
        word = entry.const
        inner = entry.raw.get("nested-attributes")
        if request and inner:
            some = spec.subsets.get(inner + "-request")
            prefix = spec.sets[inner].prefix
            inside = ", ".join(c_name("", n) for n in spec.request_set(inner)) if some else "*"
            word += f" {{ {prefix}* of {inside} }}" if some else f" {{ {prefix}{inside} }}"
        words.append(word)
    return ", ".join(words) or "nothing"


def message(spec, op):
    """One command in the tree of messages."""
    out = [wrapped(f"{op.const}: {op.text}", " *   ", " *     ")]
    seen = None
    for part in ("do", "dump"):
        if part not in op.raw:
            continue
        said = op.raw[part]
        names = said.get("request", {}).get("attributes", [])
        out.append(wrapped(f"{part}: {attrs_words(spec, op, names, True)}", " *     ", " *         "))
        reply = said.get("reply", {}).get("attributes")
        if reply:
            words = "the same" if reply is seen else attrs_words(spec, op, reply, False)
            out.append(wrapped(f"-> {words}", " *       ", " *          "))
            seen = reply
    if "event" in op.raw:
        words = attrs_words(spec, op, op.raw["event"]["attributes"], False)
        out.append(wrapped(f"to the multicast group {op.raw['mcgrp']}: {words}",
                           " *     ", " *         "))
    return "\n".join(out)


def uapi(spec):
    """include/uapi/linux/nf_flow_offload.h"""
    raw = spec.raw
    doc = "\n".join(f" * {line}".rstrip() for line in raw["doc"].strip().splitlines())
    tree = "\n".join(message(spec, op) for op in spec.commands.entries)
    name = c_name("", raw["c-family-name"])
    version = c_name("", raw["c-version-name"])
    defines = [f'{tabbed("#define " + name, 32)}"{raw["name"]}"',
               f'{tabbed("#define " + version, 32)}{raw["version"]}']
    for group in raw["mcast-groups"]["list"]:
        defines.append(f'{tabbed("#define " + c_name("", group["c-define-name"]), 32)}"{group["name"]}"')
    guard = "_UAPI_NF_FLOW_OFFLOAD_H"
    return (f"/* {LICENCE} WITH Linux-syscall-note */\n/*\n * {FROM}\n *\n"
            f" * Generic netlink family {name}, version {version}.\n *\n{doc}\n *\n"
            f" * Messages, with the attributes they take and, after ->, those of the answer:\n"
            f" *\n{tree}\n */\n#ifndef {guard}\n#define {guard}\n\n" + "\n".join(defines) + "\n\n" +
            "\n".join(enum(spec, g) for g in spec.groups()) + f"\n#endif /* {guard} */\n")


# ---- policies ----

NLA = {"u8": "NLA_U8", "u16": "NLA_U16", "u32": "NLA_U32", "u64": "NLA_U64"}


def limit(spec, entry, which):
    """A limit as C, or None."""
    value = entry.checks.get(which)
    if value is None and which == "max" and "enum" in entry.raw:
        return f"{spec.enums[entry.raw['enum']].prefix}MAX"
    return value if value is None or isinstance(value, int) else value.replace("-", "_", 2).upper()


def length(entry):
    """The most characters a string may have, as C."""
    most = str(entry.checks["max-len"])
    name, minus, rest = most.partition(" - ")
    return c_name("", name) + minus + rest


def range_name(entry):
    """A range that is too wide for the policy itself."""
    return f"{entry.const.lower()}_range"


def is_wide(entry):
    """Limits of a policy have 16 bits and a sign."""
    return any(isinstance(entry.checks.get(k), int) and entry.checks[k] > S16_MAX
               for k in ("min", "max"))


def policy(spec, entry):
    """The policy of one attribute."""
    raw = entry.raw
    kind = "NLA_BE16" if raw.get("byte-order") == "big-endian" else NLA.get(raw["type"])
    if raw["type"] == "nest":
        return f"NLA_POLICY_NESTED({policy_name(spec.sets[raw['nested-attributes']])})"
    if raw["type"] == "binary":
        return f"NLA_POLICY_MIN_LEN({entry.checks['min-len']})"
    if raw["type"] == "string":
        return f"{{ .type = NLA_NUL_STRING, .len = {length(entry)} }}"
    if is_wide(entry):
        return f"NLA_POLICY_FULL_RANGE({kind}, &{range_name(entry)})"
    low, high = limit(spec, entry, "min"), limit(spec, entry, "max")
    if low is not None and high is not None:
        return f"NLA_POLICY_RANGE({kind}, {low}, {high})"
    if low is not None or high is not None:
        return f"NLA_POLICY_{'MAX' if low is None else 'MIN'}({kind}, {high if low is None else low})"
    return f"{{ .type = {kind} }}"


def policy_name(group):
    """The array of an attribute set's policies."""
    return f"{group.prefix.lower()}policy"


def policies(spec):
    """All arrays of policies."""
    out = []
    for name, entries in spec.requests().items():
        for entry in filter(is_wide, entries):
            low, high = entry.checks.get("min", 0), entry.checks.get("max", U32_MAX)
            # kernels before 6.7 take no pointer to a constant here
            out.append(f"static struct netlink_range_validation {range_name(entry)} = {{\n"
                       f"\t.min\t= {low}U,\n\t.max\t= {high}U,\n}};\n")
        group = spec.sets[name]
        out.append(f"const struct nla_policy {policy_name(group)}[{group.prefix}POLICY_MAX + 1] = {{")
        out += [f"{tabbed(f'{chr(9)}[{e.const}]', 40)}= {policy(spec, e)}," for e in entries]
        out.append("};\n")
    return "\n".join(out)


# ---- the kernel's header and tables ----

def header(spec):
    """include/nfo_netlink_gen.h"""
    sets = [(spec.sets[name], entries) for name, entries in spec.requests().items()]
    maxima = "\n".join(f"{tabbed(f'#define {g.prefix}POLICY_MAX', 40)}{e[-1].const}" for g, e in sets)
    arrays = "\n".join(f"extern const struct nla_policy {policy_name(g)}[{g.prefix}POLICY_MAX + 1];"
                       for g, _ in sets)
    docs = "\n".join(wrapped(f"@{s.name}: {number_words(s)}: {s.text}", " * ", " *\t")
                     for s in spec.settings)
    fields = "\n".join(f"\tu32\t{s.name};" for s in spec.settings)
    return f"""/* {LICENCE} */
/*
 * {FROM}
 *
 * What requests may hold, the settings of a namespace, and what reasons are called.
 */
#ifndef _NFO_NETLINK_GEN_H
#define _NFO_NETLINK_GEN_H

#include <linux/nf_flow_offload.h>
#include <net/netlink.h>

/* The last attribute that a request may have, by attribute set. */
{maxima}

{arrays}

/**
 * struct nfo_settings - the settings of a namespace
{docs}
 *
 * Netlink writes a field with WRITE_ONCE() while others read it with READ_ONCE().
 */
struct nfo_settings {{
{fields}
}};

/**
 * struct nfo_setting - where a setting is
 * @attr:   NFO_SETTINGS_*
 * @offset: of its u32 in struct nfo_settings
 * @def:    the value a new namespace has
 */
struct nfo_setting {{
	u16	attr;
	u16	offset;
	u32	def;
}};

extern const struct nfo_setting nfo_setting_table[NFO_SETTINGS_MAX];
void nfo_settings_init(struct nfo_settings *settings);

/* What tools print and scripts match, by enum nfo_reason. */
extern const char * const nfo_reason_names[__NFO_R_MAX];

#endif /* _NFO_NETLINK_GEN_H */
"""


def source(spec):
    """nf_flow_offload_netlink_gen.c"""
    includes = "".join(f"#include <{d['header']}>\n" for d in spec.consts)
    table = "\n".join(f"\t{{ {s.const}, offsetof(struct nfo_settings, {s.name}), {s.default} }},"
                      for s in spec.settings)
    names = "\n".join(f'{tabbed(f"{chr(9)}[{r.const}]", 40)}= "{r.name}",' for r in spec.reasons)
    return f"""// {LICENCE}
/*
 * {FROM}
 *
 * What netlink requests may hold; the settings' places and defaults; what reasons
 * are called.
 */
#include <linux/kernel.h>
{includes}
#include "nfo_compat.h"
#include "nfo_netlink_gen.h"

{policies(spec)}
const struct nfo_setting nfo_setting_table[NFO_SETTINGS_MAX] = {{
{table}
}};

/**
 * nfo_settings_init() - give a namespace the defaults
 * @settings: filled
 */
void nfo_settings_init(struct nfo_settings *settings)
{{
	const struct nfo_setting *s;

	for (s = nfo_setting_table; s < nfo_setting_table + NFO_SETTINGS_MAX; s++)
		*(u32 *)((char *)settings + s->offset) = s->def;
}}

const char * const nfo_reason_names[__NFO_R_MAX] = {{
{names}
}};
"""
