# SPDX-License-Identifier: GPL-3.0-or-later
"""Recordings as text, and back. The layout of a record is read from bpf/event.h: there is no
second copy of it here that could go stale.

One event per line; a line that begins with a blank goes on with the event before it; `#` begins a
comment line. The order of the lines is the order of arrival.

    TIME KIND SUBJECT [NAME=VALUE ...]

    TIME     on the boot clock: 1500000000, 1.5s, 1500ms
    KIND     the EVENT_* name in lower case: fork, exec, tcp_connect, ...
    SUBJECT  pid/start, such as 100/1s, or - for none
    NAME     a member of the kind's struct; the shortest ending that is unique: uid, image.flags,
             stdio.0.path; also tid (default: pid), cpu and sequence (default: 0)
    VALUE    a number (decimal, 0x, 0o, or with a unit of time); `unset` for an id that is none;
             "text" with \\n \\t \\\\ \\" \\xHH; ["a", "b"] for NUL-terminated strings in a row;
             an address; MAJOR:MINOR for a device; names for flags (A|B), TCP states, errnos and
             classes of loss

    default KIND|* NAME=VALUE ...

sets what the events below of that kind, or of each kind that has such a member, start from.
What is given nowhere is 0."""
import errno
import ipaddress
import os
import re
import struct

HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bpf/event.h")
MAGIC = b"SPYQREC1"
BYTE_ORDER = 0x01020304

INTEGERS = {"__u8": "B", "__u16": "H", "__u32": "I", "__s32": "i", "__u64": "Q", "__s64": "q"}
TCP_STATES = ("", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
              "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV")
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
KIND_STRUCTS = {"host": "host", "clock": "clock", "user": "user", "cgroup": "cgroup",
                "frontier": "mark", "loss": "loss", "scan_done": "mark", "process": "exec",
                "fork": "fork", "exec": "exec", "exec_failed": "exec_failed", "exit": "exit",
                "cgroup_attach": "fork", "container": "container", "dns": "dns",
                "udp_flow": "udp", "udp_close": "udp", "udp_bind": "udp", "udp_socket": "udp",
                "unix_connect": "unix", "unix_accept": "unix", "unix_bind": "unix",
                "unix_socket": "unix", "pipe_write": "pipe", "pipe_read": "pipe",
                "file_write": "file", "file_read": "file", "file_load": "file",
                "file_rename": "file", "file_link": "file", "file_chmod": "file",
                "file_unlink": "file", "file_symlink": "file", "privilege": "privilege", "ptrace": "influence",
                "inject": "influence", "signal": "influence", "fd_send": "fd_pass",
                "fd_receive": "fd_pass"}


class Malformed(Exception):
    pass


def align(offset, to):
    return (offset + to - 1) // to * to


class Leaf:
    """A member that is not itself a struct (a text reference apart)."""

    def __init__(self, path, kind, offset, count):
        self.path, self.kind, self.offset, self.count = path, kind, offset, count
        self.last = path.rsplit(".", 1)[-1]


class Layout:
    """What bpf/event.h says: constants, structs, kinds."""

    def __init__(self, path=HEADER):
        with open(path) as header:
            text = re.sub(r"/\*.*?\*/", "", header.read(), flags=re.S).replace("\\\n", " ")
        self.constants = {name: int(value.rstrip("u"), 0) for name, value in re.findall(
            r"^#define (EVENT_\w+) +(0x[0-9a-f]+u?|\d+u?)\s*$", text, re.M)}
        self.flags = {name for name in re.findall(r"^#define (EVENT_\w+) +\d+u\s*$", text, re.M)}
        self.structs = {}
        for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", text, re.M | re.S):
            self.structs[name] = self.lay_out(body)
        self.asserted = {name: int(size) for name, size in
                         re.findall(r"^EVENT_ASSERT_SIZE\((\w+), (\d+)\)", text, re.M)}
        self.kinds = self.find_kinds()
        self.names = {number: name for name, number in self.kinds.items()}
        self.members = {name: self.short_names(self.struct_of(name)) for name in self.kinds}

    def lay_out(self, body):
        """The leaves, size and alignment of a struct."""
        leaves, offset, strictest = [], 0, 1
        for kind, name, count in re.findall(r"((?:struct )?\w+) (\w+)(?:\[(\w+)\])?;", body):
            number = self.constants.get(count) or int(count or 0)
            part, size, alignment = self.measure(kind)
            offset = align(offset, alignment)
            strictest = max(strictest, alignment)
            if part is None:
                leaves.append(Leaf(name, kind, offset, number))
            for i in range(number or 1) if part is not None else ():
                prefix = f"{name}.{i}." if number else f"{name}."
                leaves += [Leaf(prefix + leaf.path, leaf.kind, offset + i * size + leaf.offset,
                                leaf.count) for leaf in part]
            offset += size * (number or 1)
        return leaves, align(offset, strictest), strictest

    def measure(self, kind):
        if kind == "struct event_text":
            return None, 8, 4
        if kind.startswith("struct "):
            return self.structs[kind[7:]]
        size = 1 if kind == "char" else struct.calcsize(INTEGERS[kind])
        return None, size, size

    def find_kinds(self):
        kinds = {}
        for name, number in self.constants.items():
            kind = name[len("EVENT_"):].lower()
            if kind in KIND_STRUCTS or (kind.startswith("tcp_") and name not in self.flags):
                kinds[kind] = number
        return kinds

    def struct_of(self, kind):
        return "event_" + KIND_STRUCTS.get(kind, "tcp")

    def short_names(self, struct_name):
        """Leaves by the shortest ending of their path that no other leaf has."""
        leaves = [leaf for leaf in self.structs[struct_name][0]
                  if not leaf.path.startswith("header.") and leaf.last != "padding"]
        members = {}
        for leaf in leaves:
            parts = leaf.path.split(".")
            for i in range(len(parts) - 1, -1, -1):
                ending = ".".join(parts[i:])
                twins = [x for x in leaves if ("." + x.path).endswith("." + ending)]
                if len(twins) == 1 and not parts[i].isdigit():
                    members[ending] = leaf
                    break
        return members

    def flag_prefix(self, struct_name, path):
        if struct_name == "event_exec" and path == "task.flags" or struct_name == "event_fork":
            return "EVENT_TASK_"
        if struct_name == "event_exit":
            return "EVENT_EXIT_"
        named = {"event_udp": "EVENT_UDP_", "event_dns": "EVENT_DNS_", "event_file": "EVENT_FILE_",
                 "event_unix": "EVENT_UNIX_", "event_pipe": "EVENT_PIPE_"}
        if struct_name in named:
            return named[struct_name]
        return "EVENT_TCP_" if struct_name == "event_tcp" else "EVENT_IMAGE_"

    def flag_names(self, prefix):
        return {name[len(prefix):]: self.constants[name] for name in self.flags
                if name.startswith(prefix)}

    def classes(self):
        return {name[len("EVENT_CLASS_"):].lower(): number
                for name, number in self.constants.items() if name.startswith("EVENT_CLASS_")}


LAYOUT = Layout()

# ---- values ----

ESCAPES = {"n": "\n", "t": "\t", "\\": "\\", '"': '"'}
STRING = r'"(?:[^"\\]|\\.)*"'


def read_string(token):
    out = bytearray()
    for escape, plain in re.findall(r'\\(x[0-9a-fA-F]{2}|.)|([^\\]+)', token[1:-1]):
        if plain:
            out += plain.encode()
        elif escape[0] == "x" and len(escape) == 3:
            out.append(int(escape[1:], 16))
        elif escape in ESCAPES:
            out += ESCAPES[escape].encode()
        else:
            raise Malformed(f"unknown escape \\{escape}")
    return bytes(out)


def write_string(data):
    names = {ord(plain): "\\" + name for name, plain in ESCAPES.items()}
    return '"' + "".join(names.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}")
                         for byte in data) + '"'


def read_bytes(token):
    if token.startswith("["):
        return b"".join(read_string(item) + b"\0" for item in re.findall(STRING, token))
    if token.startswith('"'):
        return read_string(token)
    raise Malformed(f"{token}: a \"text\" or a [\"list\"] is wanted")


def write_bytes(name, data):
    if name in ("argv", "environment") and data.endswith(b"\0"):
        return "[" + ", ".join(map(write_string, data[:-1].split(b"\0"))) + "]"
    return write_string(data)


def read_number(token):
    match = re.fullmatch(r"(-?)(\d+)(?:\.(\d{1,9}))?(ns|us|ms|s)", token)
    if match:
        sign, whole, fraction, unit = match.groups()
        scaled = (int(whole) * 10**9 + int((fraction or "").ljust(9, "0"))) * UNITS[unit]
        if scaled % 10**9:
            raise Malformed(f"{token}: finer than a nanosecond")
        return (-1 if sign else 1) * (scaled // 10**9)
    try:
        return int(token, 0)
    except ValueError:
        raise Malformed(f"{token}: not a number") from None


def read_flags(token, names):
    value = 0
    for part in token.split("|"):
        value |= names[part] if part in names else read_number(part)
    return value


def write_flags(value, names):
    known = [name for name, bit in sorted(names.items(), key=lambda item: item[1]) if value & bit]
    rest = value & ~sum(names[name] for name in known)
    return "|".join(known + ([hex(rest)] if rest else []))


def read_member(struct_name, leaf, token):
    if token == "unset":
        return LAYOUT.constants["EVENT_ID_UNSET"]
    if leaf.last == "flags":
        return read_flags(token, LAYOUT.flag_names(LAYOUT.flag_prefix(struct_name, leaf.path)))
    if leaf.last in ("old_state", "new_state") and token in TCP_STATES:
        return TCP_STATES.index(token)
    if leaf.last == "error" and hasattr(errno, token):
        return getattr(errno, token)
    if leaf.last == "loss_class" and token in LAYOUT.classes():
        return LAYOUT.classes()[token]
    if re.fullmatch(r"\d+:\d+", token):
        major, minor = map(int, token.split(":"))
        return major << 20 | minor
    return read_number(token)


def write_member(struct_name, leaf, value):
    if value == LAYOUT.constants["EVENT_ID_UNSET"]:
        return "unset"
    if leaf.last == "flags":
        return write_flags(value, LAYOUT.flag_names(LAYOUT.flag_prefix(struct_name, leaf.path)))
    if leaf.last in ("old_state", "new_state") and value < len(TCP_STATES):
        return TCP_STATES[value]
    if leaf.last == "error" and value in errno.errorcode:
        return errno.errorcode[value]
    if leaf.last == "loss_class" and value in LAYOUT.classes().values():
        return next(name for name, number in LAYOUT.classes().items() if number == value)
    if leaf.last.endswith("device") or leaf.last == "rdev":
        return f"{value >> 20}:{value & 0xfffff}"
    if leaf.last == "mode":
        return f"0o{value:o}"
    if leaf.last == "capabilities":
        return hex(value)
    return str(value)


def is_address(leaf):
    return leaf.kind == "__u8" and leaf.count == 16


def read_address(token):
    try:
        address = ipaddress.ip_address(token)
    except ValueError as error:
        raise Malformed(str(error)) from None
    return address.packed.ljust(16, b"\0"), 2 if address.version == 4 else 10


def write_address(packed, family):
    return str(ipaddress.ip_address(packed[:4] if family == 2 else packed))


# ---- text to bytes ----

def logical_lines(text):
    """Each event with its line number; continuation lines joined."""
    number, start, pending = 0, 0, ""
    for line in text.split("\n"):
        number += 1
        if not line.strip() or line.startswith("#"):
            continue
        if line[0] in " \t":
            pending += " " + line.strip()
            continue
        if pending:
            yield start, pending
        start, pending = number, line.strip()
    if pending:
        yield start, pending


def read_pairs(text):
    pattern = re.compile(rf"\s*([\w.]+)=(\[(?:{STRING}[,\s]*)*\]|{STRING}|[^\s\"\[]\S*)")
    pairs, at = {}, 0
    while text[at:].strip():
        match = pattern.match(text, at)
        if not match:
            raise Malformed(f"not NAME=VALUE: {text[at:].strip()}")
        pairs[match.group(1)] = match.group(2)
        at = match.end()
    return pairs


class Record:
    def __init__(self, kind):
        self.kind = kind
        self.struct = LAYOUT.struct_of(kind)
        self.members = LAYOUT.members[kind]
        self.leaves = {leaf.path: leaf for leaf in LAYOUT.structs[self.struct][0]}
        self.fixed = bytearray(LAYOUT.structs[self.struct][1])
        self.texts = {}
        self.family = None

    def put(self, path, value):
        leaf = self.leaves[path]
        try:
            struct.pack_into("=" + INTEGERS[leaf.kind], self.fixed, leaf.offset, value)
        except struct.error:
            raise Malformed(f"{path}={value}: does not fit") from None

    def put_bytes(self, leaf, data):
        if len(data) > leaf.count:
            raise Malformed(f"{leaf.path}: longer than {leaf.count} bytes")
        self.fixed[leaf.offset:leaf.offset + leaf.count] = data.ljust(leaf.count, b"\0")

    def put_address(self, leaf, token):
        packed, family = read_address(token)
        if self.family not in (None, family):
            raise Malformed("addresses of two families in one event")
        self.family = family
        self.put_bytes(leaf, packed)

    def set(self, name, token):
        if name in ("tid", "cpu", "sequence"):
            return self.put("header." + name, read_number(token))
        leaf = self.members.get(name)
        if leaf is None:
            raise Malformed(f"{self.kind} has no member {name} (or it is short for several)")
        if leaf.kind == "struct event_text":
            self.texts[leaf.path] = read_bytes(token)
        elif leaf.kind == "char":
            self.put_bytes(leaf, read_bytes(token))
        elif is_address(leaf):
            self.put_address(leaf, token)
        else:
            self.put(leaf.path, read_member(self.struct, leaf, token))

    def pack(self, time, subject):
        pid, start = (0, 0) if subject == "-" else map(read_number, subject.split("/", 1))
        self.put("header.time", time)
        self.put("header.kind", LAYOUT.kinds[self.kind])
        self.put("header.pid", pid)
        self.put("header.start", start)
        tail = bytearray()
        for leaf in self.leaves.values():
            data = self.texts.get(leaf.path)
            if data:
                struct.pack_into("=II", self.fixed, leaf.offset, len(self.fixed) + len(tail),
                                 len(data))
                tail += data
        size = align(len(self.fixed) + len(tail), 8)
        self.put("header.size", size)
        return bytes(self.fixed + tail).ljust(size, b"\0")


def build(fields, defaults):
    time, kind, subject, *rest = fields
    if kind not in LAYOUT.kinds:
        raise Malformed(f"{kind}: no such kind of event")
    record = Record(kind)
    given = read_pairs(rest[0] if rest else "")
    pairs = {name: value for name, value in defaults.get("*", {}).items()
             if name in record.members}
    pairs.update(defaults.get(kind, {}))
    pairs.update(given)
    if subject != "-" and "/" in subject:
        record.put("header.tid", read_number(subject.split("/")[0]))
    elif subject != "-":
        raise Malformed(f"{subject}: a subject is pid/start or -")
    if kind == "host" and "abi" not in pairs:
        record.put("abi", LAYOUT.constants["EVENT_ABI_VERSION"])
    for name, value in pairs.items():
        record.set(name, value)
    if "family" in record.members and "family" not in pairs:
        record.put("family", record.family or 2)
    return record.pack(read_number(time), subject)


def assemble(text):
    """The recording that the text stands for. Raises Malformed, which names the line."""
    out = struct.pack("=8sII", MAGIC, BYTE_ORDER, LAYOUT.constants["EVENT_ABI_VERSION"])
    defaults = {}
    for number, line in logical_lines(text):
        try:
            fields = line.split(None, 3)
            if fields[0] == "default":
                kind, pairs = line.split(None, 2)[1:]
                defaults.setdefault(kind, {}).update(read_pairs(pairs))
            elif len(fields) < 3:
                raise Malformed("an event is TIME KIND SUBJECT [NAME=VALUE ...]")
            else:
                out += build(fields, defaults)
        except Malformed as error:
            raise Malformed(f"line {number}: {error}") from None
    return out


# ---- bytes to text ----

def get(record, leaf):
    return struct.unpack_from("=" + INTEGERS[leaf.kind], record, leaf.offset)[0]


def show(record, kind, name, leaf, family):
    """NAME=VALUE, or None where the member holds nothing."""
    if leaf.kind == "struct event_text":
        offset, length = struct.unpack_from("=II", record, leaf.offset)
        if offset + length > len(record):
            raise Malformed(f"{name} reaches beyond its record")
        data = record[offset:offset + length]
        return f"{name}={write_bytes(leaf.last, data)}" if length else None
    if leaf.kind == "char":
        data = record[leaf.offset:leaf.offset + leaf.count].split(b"\0")[0]
        return f"{name}={write_string(data)}" if data else None
    if is_address(leaf):
        return f"{name}={write_address(record[leaf.offset:leaf.offset + 16], family)}"
    value = get(record, leaf)
    if value == 0 or name == "family" or (name == "abi" and kind == "host"):
        return None
    return f"{name}={write_member(LAYOUT.struct_of(kind), leaf, value)}"


def describe(record):
    number = struct.unpack_from("=H", record, 4)[0]
    if number not in LAYOUT.names:
        raise Malformed(f"no such kind: {number}")
    kind = LAYOUT.names[number]
    fixed = LAYOUT.structs[LAYOUT.struct_of(kind)]
    if len(record) < fixed[1]:
        raise Malformed(f"too short for its kind, {kind}")
    head = {leaf.last: get(record, leaf) for leaf in fixed[0] if leaf.path.startswith("header.")}
    subject = f"{head['pid']}/{head['start']}" if head["pid"] or head["start"] else "-"
    parts = [str(head["time"]), kind, subject]
    if head["tid"] != head["pid"]:
        parts.append(f"tid={head['tid']}")
    parts += [f"{name}={head[name]}" for name in ("cpu", "sequence") if head[name]]
    members = LAYOUT.members[kind]
    family = get(record, members["family"]) if "family" in members else 0
    parts += [part for part in (show(record, kind, name, leaf, family)
                                for name, leaf in members.items()) if part]
    return " ".join(parts)


def disassemble(data):
    """The text that stands for a recording. Raises Malformed, which names the offset."""
    if data[:8] != MAGIC or struct.unpack_from("=I", data, 8)[0] != BYTE_ORDER:
        raise Malformed("not a recording, or one from a machine of another byte order")
    lines, at = [], 16
    while at < len(data):
        try:
            size = struct.unpack_from("=I", data, at)[0] if at + 40 <= len(data) else 0
            if size < 40 or at + size > len(data):
                raise Malformed("the recording is cut off or damaged")
            lines.append(describe(data[at:at + size]))
        except Malformed as error:
            raise Malformed(f"byte {at}: {error}") from None
        at += size
    return "\n".join(lines) + "\n"
