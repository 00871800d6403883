# SPDX-License-Identifier: GPL-2.0
"""What users see: the tool's names and texts, the completion's and the man page's lists."""
import re

from .kernel import FROM, LICENCE, tabbed, wrapped
from .spec import U32_MAX, SpecError


def quoted(text):
    """A C string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def or_list(names):
    """a, b or c"""
    return ", ".join(names[:-1]) + " or " + names[-1]


def names_of(spec, enum):
    """Names of an enum's values that mean something."""
    return [e.name for e in spec.enums[enum].entries if e.name != "unspec"]


# ---- the tool ----

def tool_header(spec):
    """tools/nft-offload/names_gen.h"""
    settings = [s.name for s in spec.settings]
    help_lines = wrapped(", ".join(settings), "", "", 52).split("\n")
    return f"""/* {LICENCE} */
/*
 * {FROM}
 *
 * Names and texts of reasons, states, events and settings.
 */
#ifndef NAMES_GEN_H
#define NAMES_GEN_H

#include <linux/nf_flow_offload.h>
#include <stdint.h>

struct reason {{
	const char *name, *text, *remedy;
}};

struct setting {{
	const char *name, *unit, *text;
	uint16_t attr;
	uint32_t min, max, def;
}};

#define SETTINGS	NFO_SETTINGS_MAX

extern const struct reason reasons[NFO_R_MAX + 1];
extern const struct setting settings[SETTINGS];
extern const char * const states[__NFO_STATE_MAX];
extern const char * const events[__NFO_EVENT_MAX];
extern const char * const dev_hws[__NFO_DEV_HW_MAX];

#define STATE_LIST	{quoted(or_list(names_of(spec, "flow-state")))}
#define SETTING_LIST	{quoted(or_list(settings))}
/* Lines of the help, indented as its lines are. */
#define SETTING_HELP	{(chr(92) + "n      ").join(help_lines).join(('"', '"'))}

#endif
"""


def tool_names(spec, array, enum):
    """An array of names."""
    group = spec.enums[enum]
    lines = [f"{tabbed(f'{chr(9)}[{e.const}]', 32)}= {quoted(e.name)}," for e in group.entries
             if e.name != "unspec"]
    return f"const char * const {array}[__{group.prefix}MAX] = {{\n" + "\n".join(lines) + "\n};\n"


def tool_source(spec):
    """tools/nft-offload/names_gen.c"""
    reasons = "\n".join(f"\t[{r.const}] = {{ {quoted(r.name)},\n\t\t{quoted(r.text)},\n"
                        f"\t\t{quoted(r.remedy)} }}," for r in spec.reasons)
    settings = "\n".join(f"\t{{ {quoted(s.name)}, {quoted(s.unit)},\n\t  {quoted(s.text)},\n"
                         f"\t  {s.const}, {s.min}, {s.max}U, {s.default} }}," for s in spec.settings)
    return f"""// {LICENCE}
/*
 * {FROM}
 */
#include "names_gen.h"

const struct reason reasons[NFO_R_MAX + 1] = {{
{reasons}
}};

const struct setting settings[SETTINGS] = {{
{settings}
}};

{tool_names(spec, "states", "flow-state")}
{tool_names(spec, "events", "flow-event")}
{tool_names(spec, "dev_hws", "dev-hw")}"""


# ---- parts of files that are written by hand ----

def replaced(text, part, body):
    """@text with @body between the lines that mark a generated part."""
    pattern = re.compile(rf"(^[^\n]*gen-netlink: begin {part}\n).*?(^[^\n]*gen-netlink: end {part}$)",
                         re.M | re.S)
    found = pattern.search(text)
    if not found:
        raise SpecError(f"no lines 'gen-netlink: begin {part}' and 'gen-netlink: end {part}'")
    return text[:found.end(1)] + body + text[found.start(2):]


def completion(spec, text):
    """tools/nft-offload/nft-offload.bash-completion"""
    return replaced(text, "lists",
                    f'_nft_offload_states="{" ".join(names_of(spec, "flow-state"))}"\n'
                    f'_nft_offload_settings="{" ".join(s.name for s in spec.settings)}"\n')


def man_text(text):
    """A paragraph of the man page; what stands in backquotes is not broken."""
    whole = re.sub(r"`([^`]*)`", lambda m: m.group(1).replace(" ", "\0").join((r"\fB", r"\fR")), text)
    return wrapped(whole, "", "").replace("\0", " ")


def sentence(text):
    """A capital letter in front, a full stop at the end."""
    return text[0].upper() + text[1:].rstrip(".") + "."


def man_setting(s):
    """A setting's paragraph."""
    limits = f"{s.min} or more" if s.max == U32_MAX else f"{s.min} to {s.max}"
    unit = f" {s.unit}" if s.unit else ""
    return f".TP\n.B {s.name}\n{man_text(sentence(s.text) + f' {limits}{unit}; default {s.default}.')}\n"


def man_reasons(spec):
    """All reasons, group by group in the order in which groups first appear."""
    out = []
    for group in dict.fromkeys(r.group for r in spec.reasons if r.group):
        out.append(f".SS {group}\n")
        out += [f".TP\n.B {r.name}\n{man_text(f'{r.text}. {sentence(r.remedy)}')}\n"
                for r in spec.reasons if r.group == group]
    return "".join(out)


def man(spec, text):
    """docs/nft-offload.8"""
    text = replaced(text, "settings", "".join(man_setting(s) for s in spec.settings))
    return replaced(text, "reasons", man_reasons(spec))
