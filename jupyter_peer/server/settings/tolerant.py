"""Keeps settings with wrong types aside, because Jupyter would not start if they raised."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from traitlets import HasTraits, TraitError, TraitType
from traitlets.config import Config
from traitlets.config.loader import DeferredConfig, LazyConfigValue

from ...errors import BadRequestError
from ...phrase import phrase


class TolerantSettings(HasTraits):
    """Loads a configuration without the values that do not fit their traits.

    Jupyter ends when an extension's configuration raises. Falling back to a default silently would
    be worse: ``trust_mode = 5`` must not mean something that its owner did not choose. So such
    values are kept aside, and :meth:`check_settings` reports them when the extension starts.
    """

    _unfit: Mapping[str, str] = {}
    _configured: frozenset[str] = frozenset()

    def _load_config(
        self,
        cfg: Config,
        section_names: Sequence[str] | None = None,
        traits: dict[str, TraitType[Any, Any]] | None = None,
    ) -> None:
        unfit = dict(self._unfit)
        known = self.traits(config=True)
        sections = list(section_names or self.section_names())  # type: ignore[attr-defined]
        fit = Config(cfg)
        for section in (name for name in sections if name in cfg):
            fit[section] = Config(cfg[section])
            for name, value in cfg[section].items():
                # Files and the command line arrive one after the other; the last one counts.
                unfit.pop(f"{section}.{name}", None)
                if name in known and (why := self._why_unfit(known[name], value)):
                    unfit[f"{section}.{name}"] = why
                    del fit[section][name]
                elif name in known:
                    self._configured |= {name}
        self._unfit = unfit
        super()._load_config(fit, section_names, traits)  # type: ignore[misc]

    def is_configured(self, name: str) -> bool:
        """Return whether the configuration or the command line has set a trait."""
        return name in self._configured

    def _why_unfit(self, trait: TraitType[Any, Any], value: Any) -> str:
        """Return why a trait cannot have a value; empty when it can."""
        if isinstance(value, LazyConfigValue):
            return ""
        try:
            if isinstance(value, DeferredConfig):
                value = value.get_value(trait)
            # Not `_validate`, which also checks the meaning of a setting.
            if not (value is None and trait.allow_none):
                trait.validate(self, value)  # type: ignore[attr-defined]
        except (TraitError, ValueError) as error:
            return "it is not text" if trait.metadata.get("is_secret") else str(error)
        if isinstance(value, float) and not math.isfinite(value):
            return f"{value} is not a finite number"
        return ""

    def check_settings(self) -> None:
        """Check that all values fit.

        Raises:
            BadRequestError: Some do not fit; the message names each with the reason.
        """
        if self._unfit:
            told = "; ".join(f"{name}: {why}" for name, why in sorted(self._unfit.items()))
            raise BadRequestError(
                phrase("the configuration cannot be used: {reason}", reason=told),
                hint="correct it in jupyter_server_config.py or on the command line, and restart",
            )
