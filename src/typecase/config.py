"""Typed settings: defaults in code, then a YAML file, then what the command line says.

A task's settings are one class derived from `Settings`. Each field has a type, a default and, through
`Annotated[..., Meta(ge=..., description=...)]`, its range and its help. A field whose type is again such a class is a
section, and a `dict[str, SomeSettings]` holds sections under names of the user's choice. Nothing is ignored: a misspelt
key and an impossible value are refused by name.

    class OptimizerSettings(Settings):
        learning_rate: Annotated[float, Meta(gt=0, description="Step size at the start.")] = 0.001

    class TrainSettings(Settings):
        epochs: Annotated[int, Meta(ge=1, description="Passes over the training part.")] = 20
        optimizer: OptimizerSettings = OptimizerSettings()

    settings = load(TrainSettings, Path("train.yaml"), {"optimizer.learning-rate": 0.01})

Keys are written with dashes in YAML and in flags (`optimizer.learning-rate`); underscores are accepted too.
"""

from __future__ import annotations

import contextlib
import difflib
import math
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, TypeVar, Union

import msgspec
import yaml
from msgspec import Meta

from typecase.errors import UsageError
from typecase.files import atomic_write

__all__ = ["Meta", "Setting", "Settings", "describe", "load", "parse_assignments", "save", "to_plain"]


# msgspec's own declaration does not say that subclasses are frozen and take keywords only, as their base is.
@typing.dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every settings class; a field may itself be a `Settings` class, which makes a section.

    A check that looks at several fields belongs in `__post_init__`, as a `ValueError` whose text is a whole sentence.
    """


SettingsType = TypeVar("SettingsType", bound=Settings)


@dataclass(frozen=True)
class Setting:
    """What there is to know about one key.

    Attributes:
        key: Dotted and with dashes, as YAML and flags spell it.
        allowed: Which values it takes, in words.
        default: The value it has when nobody says anything; None for a required one.
        help: The description given with its field, or an empty string.
        required: Whether it must be given.
    """

    key: str
    allowed: str
    default: object
    help: str
    required: bool = False


@dataclass(frozen=True)
class _Given:
    """A value and the place it was given in, such as `in train.yaml`.

    `is_text` marks one that came as a text from where there is nothing but texts.
    """

    value: object
    origin: str
    is_text: bool = False


# The parts of a dotted key: fields as they are spelt, with dashes, and names of the user's choice as they came.
_Path = tuple[str, ...]


def load(
    config_type: type[SettingsType],
    file: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    *,
    overrides_origin: str = "on the command line",
) -> SettingsType:
    """Puts settings together: the defaults, then the file, then the overrides.

    Args:
        config_type: The class that says which settings there are.
        file: A YAML file; an empty one changes nothing.
        overrides: Values by dotted key. None stands for a flag that was not given. A text that does not fit the
            type is read as YAML, so that `"0.01"` or `"[0.9, 0.99]"` serve where numbers are wanted.
        overrides_origin: Where the overrides come from, for messages.

    Raises:
        UsageError: The file cannot be read, a key is misspelt, or a value is of the wrong type or out of range.
    """
    given: dict[_Path, _Given] = {}
    if file is not None:
        origin = f"in {file}"
        for path, value in _leaves(config_type, _read_yaml(file), origin):
            given[path] = _Given(value, origin)
    for key, value in (overrides or {}).items():
        if value is None:
            continue
        *outer, last = key.split(".")
        tree: dict[str, Any] = {last: value}
        for part in reversed(outer):
            tree = {part: tree}
        for path, leaf in _leaves(config_type, tree, overrides_origin):
            # `early-stopping=null` takes away what the file says below that section, and the reverse.
            for other in [other for other in given if other[: len(path)] == path or path[: len(other)] == other]:
                del given[other]
            given[path] = _Given(leaf, overrides_origin, is_text=isinstance(value, str))
    return _built(config_type, None, given, ())


def save(config: Settings, path: Path) -> None:
    """Writes every setting, defaults included, to a YAML file that `load` reads back to the same.

    Raises:
        OutputError: The file cannot be written.
    """
    text = yaml.dump(to_plain(config), Dumper=_ListsInLine, sort_keys=False, allow_unicode=True, width=110)
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def to_plain(config: Settings) -> dict[str, Any]:
    """Gives the settings as plain values (dict, list, str, number, bool, None), keys with dashes."""
    return {key: _plain(getattr(config, field.name)) for key, field in _fields(type(config)).items()}


def _plain(value: object) -> Any:
    if isinstance(value, Settings):
        return to_plain(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return msgspec.to_builtins(value, enc_hook=_encoded)


def describe(config_type: type[Settings]) -> list[Setting]:
    """Lists every key with what it takes, its default and its help, in the order of the fields."""
    return list(_described(config_type, (), None))


def parse_assignments(assignments: Iterable[str]) -> dict[str, object]:
    """Reads `key=value` texts, as given to `--set`, into overrides for `load`.

    Raises:
        UsageError: A text has no `=`, or a key stands twice.
    """
    overrides: dict[str, object] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        key = key.strip()
        if not equals or not key:
            raise UsageError(f"{assignment!r} does not set anything; write it as key=value.")
        if key in overrides:
            raise UsageError(f"The setting {key!r} is given twice; give it once.")
        overrides[key] = value.strip()
    return overrides


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _dotted(path: Iterable[object]) -> str:
    return ".".join(str(part) for part in path)


def _section_of(annotation: Any) -> type[Settings] | None:
    """The `Settings` class that a field's type names, also as `Annotated[...]` or `... | None`."""
    annotation = _bare(annotation)
    if typing.get_origin(annotation) in (Union, types.UnionType):
        sections = [found for part in typing.get_args(annotation) if (found := _section_of(part))]
        return sections[0] if len(sections) == 1 else None
    return annotation if isinstance(annotation, type) and issubclass(annotation, Settings) else None


def _bare(annotation: Any) -> Any:
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation


def _mapping_arguments(annotation: Any) -> tuple[Any, ...] | None:
    """The key and value types of a mapping, () where it says none, None where the type is no mapping."""
    annotation = _bare(annotation)
    if typing.get_origin(annotation) in (Union, types.UnionType):
        found = [_mapping_arguments(part) for part in typing.get_args(annotation)]
        return next((arguments for arguments in found if arguments is not None), None)
    if annotation is dict or typing.get_origin(annotation) in (dict, Mapping):
        return typing.get_args(annotation)
    return None


def _named_sections(annotation: Any) -> type[Settings] | None:
    """The `Settings` class of a `dict[str, SomeSettings]`."""
    arguments = _mapping_arguments(annotation)
    return _section_of(arguments[1]) if arguments else None


def _takes_none(annotation: Any) -> bool:
    annotation = _bare(annotation)
    return annotation is type(None) or any(part is type(None) for part in typing.get_args(annotation))


def _fields(config_type: type[Settings]) -> dict[str, msgspec.structs.FieldInfo]:
    return {_dashed(field.name): field for field in msgspec.structs.fields(config_type)}


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return msgspec.NODEFAULT


def _described(config_type: type[Settings], prefix: _Path, values: Settings | None) -> Iterator[Setting]:
    for name, field in _fields(config_type).items():
        default = _default(field) if values is None else getattr(values, field.name)
        section, named = _section_of(field.type), _named_sections(field.type)
        if section is not None:
            yield from _described(section, (*prefix, name), default if isinstance(default, Settings) else None)
            continue
        if named is not None:
            yield from _described(named, (*prefix, name, "NAME"), None)
            continue
        metas = typing.get_args(field.type)[1:] if typing.get_origin(field.type) is typing.Annotated else ()
        text = " ".join(meta.description for meta in metas if isinstance(meta, Meta) and meta.description)
        required = default is msgspec.NODEFAULT
        yield Setting(
            _dotted((*prefix, name)), _allowed(field.type), None if required else default, text, required=required
        )


class _ListsInLine(yaml.SafeDumper):
    """YAML with a line for each key, and each list in one."""


_ListsInLine.add_representer(
    list, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)
# PyYAML writes the control character "next line" as it is, but reads it as a line break; within quotes it is escaped.
_ListsInLine.add_representer(
    str,
    lambda dumper, value: dumper.represent_scalar(
        "tag:yaml.org,2002:str", value, style='"' if "\x85" in value else None
    ),
)


class _StrictLoader(yaml.SafeLoader):
    """YAML without its silent trap: of a key that stands twice, PyYAML keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            if key is not None:
                seen.add(key)
        return super().construct_mapping(node, deep)


def _read_yaml(file: Path) -> dict[Any, Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"The settings file {file} cannot be read ({reason}); check its path.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"The settings file {file} is not UTF-8 text; save it as UTF-8.") from error
    try:
        # A subclass of the safe loader: it builds plain values only.
        tree = yaml.load(text, Loader=_StrictLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UsageError(f"The settings file {file} is not valid YAML{place}: {problem}.") from error
    except (ValueError, RecursionError, TypeError) as error:
        raise UsageError(f"The settings file {file} is not valid YAML: {error}.") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UsageError(f"The settings file {file} must hold lines of the form 'key: value'.")
    return tree


def _leaves(
    config_type: type[Settings],
    tree: Mapping[Any, Any],
    origin: str,
    prefix: _Path = (),
    root: type[Settings] | None = None,
) -> Iterator[tuple[_Path, object]]:
    """Yields (path, value) for every leaf of a tree of settings, after checking that each key exists.

    A path goes below a field only where that takes a mapping of free keys; `options.width` ends up there.
    """
    root = root or config_type
    known = _fields(config_type)
    seen: set[str] = set()
    for key, value in tree.items():
        name = str(key).replace("_", "-")
        path = (*prefix, name)
        if not isinstance(key, str) or name not in known:
            raise UsageError(_misspelt(root, config_type, (*prefix, str(key)), origin))
        if name in seen:
            raise UsageError(f"The setting {_dotted(path)!r} is given twice {origin}; give it once.")
        seen.add(name)
        annotation = known[name].type
        section, named = _section_of(annotation), _named_sections(annotation)
        if (section or named) and value is None and not _takes_none(annotation):
            # `optimizer:` with nothing below it, as a file under construction has.
            continue
        if section is not None and isinstance(value, dict):
            yield from _leaves(section, value, origin, path, root)
        elif named is not None and isinstance(value, dict) and value:
            for chosen, inner in value.items():
                if isinstance(inner, dict) and inner:
                    yield from _leaves(named, inner, origin, (*path, chosen), root)
                else:
                    yield (*path, chosen), inner
        elif isinstance(value, dict) and value and _mapping_arguments(annotation) is not None:
            yield from _free_keys(value, path)
        else:
            yield path, value


def _free_keys(tree: dict[Any, Any], prefix: _Path) -> Iterator[tuple[_Path, object]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _free_keys(value, (*prefix, key))
        else:
            yield (*prefix, key), value


def _built(
    config_type: type[SettingsType], base: Settings | None, given: Mapping[_Path, _Given], prefix: _Path
) -> SettingsType:
    """Makes one section; `base` is the default that its field names, where that differs from its class's own."""
    values: dict[str, Any] = {}
    if isinstance(base, config_type):
        values = {field.name: getattr(base, field.name) for field in _fields(config_type).values()}
    for name, field in _fields(config_type).items():
        path = (*prefix, name)
        below = _below(given, path)
        default = values.get(field.name, _default(field))
        section, named = _section_of(field.type), _named_sections(field.type)
        if path in below:
            values[field.name] = _converted(field.type, below[path], path)
        elif below and section is not None:
            values[field.name] = _built(section, default if isinstance(default, Settings) else None, below, path)
        elif below and named is not None:
            values[field.name] = _named(named, default if isinstance(default, Mapping) else {}, below, path)
        elif below:
            start = default if isinstance(default, Mapping) else {}
            values[field.name] = _converted(field.type, _merged(start, below, len(path)), path)
        elif default is msgspec.NODEFAULT:
            raise UsageError(f"The setting {_dotted(path)!r} is missing; give it {_allowed(field.type)}.")
    try:
        return config_type(**values)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _below(given: Mapping[_Path, _Given], path: _Path) -> dict[_Path, _Given]:
    return {key: value for key, value in given.items() if key[: len(path)] == path}


def _named(
    section: type[Settings], start: Mapping[str, Any], below: Mapping[_Path, _Given], prefix: _Path
) -> dict[str, Settings]:
    """Sections under names of the user's choice, in the order in which they were first named."""
    values = dict(start)
    for chosen in dict.fromkeys(path[len(prefix)] for path in below):
        path = (*prefix, chosen)
        inner = _below(below, path)
        if not isinstance(chosen, str):
            raise UsageError(f"The name {chosen!r} in {_dotted(prefix)!r} is no text; put it in quotation marks.")
        if path in inner and inner[path].value == {}:
            values[chosen] = _built(section, None, {}, path)
        elif path in inner:
            values[chosen] = _converted(section, inner[path], path)
        else:
            base = values.get(chosen)
            values[chosen] = _built(section, base if isinstance(base, Settings) else None, inner, path)
    return values


def _merged(start: Mapping[str, Any], below: Mapping[_Path, _Given], depth: int) -> _Given:
    """A field's free keys: its default, with what was given put over it."""
    tree = dict(start)
    for path, given in below.items():
        folder = tree
        for part in path[depth:-1]:
            inner = folder.get(part)
            folder[part] = dict(inner) if isinstance(inner, Mapping) else {}
            folder = folder[part]
        folder[path[-1]] = _parsed(str(given.value)) if given.is_text else given.value
    return _Given(tree, " and ".join(dict.fromkeys(given.origin for given in below.values())))


def _converted(annotation: Any, given: _Given, path: _Path) -> object:
    readings: list[object] = [given.value]
    if isinstance(given.value, str):
        # YAML 1.1 takes 1e-3 for a text, and a flag such as --set is always one.
        parsed = _parsed(given.value)
        if parsed != given.value or type(parsed) is not str:
            readings.append(parsed)
        with contextlib.suppress(ValueError):
            readings.append(float(given.value))
    for reading in readings:
        try:
            converted = msgspec.convert(reading, annotation, dec_hook=_decoded)
        except (msgspec.ValidationError, OverflowError):
            continue
        if _finite(converted):
            return converted
    raise UsageError(
        f"The setting {_dotted(path)!r} {given.origin} cannot be {_shown(given.value)}; "
        f"it must be {_allowed(annotation)}."
    )


def _parsed(text: str) -> object:
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return text


def _finite(value: object) -> bool:
    """No setting means anything as infinity or not-a-number, but YAML and Python both have them."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(_finite(item) for item in value)
    if isinstance(value, Mapping):
        return all(_finite(item) for item in value.values())
    return True


def _shown(value: object) -> str:
    text = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _decoded(kind: type, value: object) -> object:
    if issubclass(kind, PurePath) and isinstance(value, (str, PurePath)):
        return kind(value)
    raise ValueError(f"{value!r} is no {kind.__name__}")


def _encoded(value: object) -> object:
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"a setting cannot hold {type(value).__name__}")


def _misspelt(root: type[Settings], section: type[Settings], path: _Path, origin: str) -> str:
    wrong = _dotted(path)
    here = [_dotted((*path[:-1], name)) for name in _fields(section)]
    every = list(dict.fromkeys([*here, *_keys(root)]))
    last = _dashed(path[-1]).lower()
    # First the right name in the wrong section, then a slip of the fingers, then a slip in the last part alone.
    near = [key for key in every if key.rpartition(".")[2] == last]
    near = near or difflib.get_close_matches(_dashed(wrong).lower(), every, n=1)
    if not near:
        by_last_part = {key.rpartition(".")[2]: key for key in reversed(every)}
        near = [by_last_part[name] for name in difflib.get_close_matches(last, by_last_part, n=1)]
    if near:
        return f"There is no setting {wrong!r} ({origin}); did you mean {near[0]!r}?"
    return f"There is no setting {wrong!r} ({origin}); there are: {', '.join(here)}."


def _keys(config_type: type[Settings], prefix: _Path = ()) -> Iterator[str]:
    for name, field in _fields(config_type).items():
        yield _dotted((*prefix, name))
        section, named = _section_of(field.type), _named_sections(field.type)
        if section is not None:
            yield from _keys(section, (*prefix, name))
        elif named is not None:
            yield from _keys(named, (*prefix, name, "NAME"))


def _allowed(annotation: Any) -> str:
    return _in_words(msgspec.inspect.type_info(annotation))


def _in_words(info: msgspec.inspect.Type) -> str:
    kinds = msgspec.inspect
    if isinstance(info, kinds.Metadata):
        return _in_words(info.type)
    if isinstance(info, kinds.UnionType):
        return " or ".join(_in_words(part) for part in info.types)
    if isinstance(info, kinds.IntType):
        return f"a whole number{_range(info)}"
    if isinstance(info, kinds.FloatType):
        return f"a number{_range(info)}"
    if isinstance(info, kinds.LiteralType):
        return "one of " + ", ".join(str(value) for value in info.values)
    if isinstance(info, kinds.EnumType):
        return "one of " + ", ".join(str(member.value) for member in info.cls)
    if isinstance(info, kinds.TupleType):
        return f"a list of {len(info.item_types)} ({', '.join(_in_words(item) for item in info.item_types)})"
    if isinstance(info, kinds.CollectionType):
        return f"a list, each {_in_words(info.item_type)}"
    if isinstance(info, kinds.CustomType) and issubclass(info.cls, PurePath):
        return "a path"
    words: dict[type, str] = {
        kinds.BoolType: "true or false",
        kinds.StrType: "a text",
        kinds.NoneType: "nothing (null)",
        kinds.DictType: "a section of keys and values",
        kinds.StructType: "a section of settings",
        kinds.AnyType: "any value",
    }
    return words.get(type(info), type(info).__name__)


def _range(info: msgspec.inspect.IntType | msgspec.inspect.FloatType) -> str:
    words = []
    if info.gt is not None:
        words.append(f"above {info.gt:.12g}")
    if info.ge is not None:
        words.append(f"at least {info.ge:.12g}")
    if info.lt is not None:
        words.append(f"below {info.lt:.12g}")
    if info.le is not None:
        words.append(f"at most {info.le:.12g}")
    if info.multiple_of is not None:
        words.append(f"a multiple of {info.multiple_of:.12g}")
    return f" ({' and '.join(words)})" if words else ""
