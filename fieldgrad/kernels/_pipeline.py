# SPDX-License-Identifier: BSD-3-Clause
"""Compiles functions that exist only inside kernels, without machine code of their own.

numba optimises and translates each function by itself, also one that is only ever inlined into another, which is then
optimised anew with all that it has taken in. Here a helper stays in LLVM's intermediate code, and is optimised and
translated as a part of the kernel alone: a first call of vorticity, q_criterion, lambda2 and dissipation took 4.5 s so,
and 2.9 s this way, of which 1.8 were left when arrays became addresses (`memory.Span`) and what is called once a row
was no longer inlined. Steps that find nothing to do in such a helper are left out.
"""

from __future__ import annotations

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.compiler_machinery import PassManager, register_pass
from numba.core.typed_passes import NativeLowering

#: Steps of numba's for closures, contexts, errors, branches on None, loops over literals and expressions of arrays, of
#: which helpers of this package have none. Each looks at a whole function, and has its variables analysed anew.
_UNUSED = frozenset(
    {
        "AnnotateTypes",
        "DeadBranchPrune",
        "DumpParforDiagnostics",
        "FindLiterallyCalls",
        "InlineClosureLikes",
        "InlineInlinables",
        "InlineOverloads",
        "LiteralPropagationSubPipelinePass",
        "LiteralUnroll",
        "MakeFunctionToJitFunction",
        "NoPythonSupportedFeatureValidation",
        "NopythonRewrites",
        "RewriteDynamicRaises",
        "RewriteSemanticConstants",
        "WithLifting",
    }
)


class _NoMachineCode:
    """Stands for the code generator where a function gets no address."""

    def set_env(self, name: str, env: Any) -> None:
        """Do nothing: the kernel that the function is linked into raises nothing that would need it."""


class _InlineLibrary(JITCodeLibrary):
    """The intermediate code of a function, to be linked into that of its callers."""

    @property
    def codegen(self) -> Any:
        return _NoMachineCode()

    def _optimize_final_module(self) -> None:
        """Leave it to the kernel."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()
        return 0


class _CallLibrary(_InlineLibrary):
    """The same of a function that is called there, not inlined."""

    def add_ir_module(self, ir_module: Any) -> None:
        # said before LLVM has it: what llvmlite 0.43 adds to a function afterwards it adds to the returned value
        own = self.name.rpartition(".")[2]
        for function in ir_module.functions:
            if own in function.name and not function.is_declaration:
                function.attributes.add("noinline")
        super().add_ir_module(ir_module)


@register_pass(mutates_CFG=True, analysis_only=False)
class _InlineLowering(NativeLowering):
    _name = "fieldgrad_inline_lowering"
    _library = _InlineLibrary

    def run_pass(self, state: Any) -> bool:
        state.library = self._library(state.targetctx.codegen(), state.func_id.func_qualname)
        return bool(super().run_pass(state))


@register_pass(mutates_CFG=True, analysis_only=False)
class _CallLowering(_InlineLowering):
    _name = "fieldgrad_call_lowering"
    _library = _CallLibrary


class ForeignCompiler(CompilerBase):
    """The usual pipeline, but for its last step."""

    lowering = _InlineLowering
    unused: frozenset[str] = frozenset()

    def define_pipelines(self) -> list[PassManager]:
        manager = PassManager("fieldgrad_inline")
        for part in (
            DefaultPassBuilder.define_untyped_pipeline(self.state),
            DefaultPassBuilder.define_typed_pipeline(self.state),
            DefaultPassBuilder.define_nopython_lowering_pipeline(self.state),
        ):
            manager.passes.extend(part.passes)
        manager.passes = [
            (self.lowering, text) if kind is NativeLowering else (kind, text)
            for kind, text in manager.passes
            if kind.__name__ not in self.unused
        ]
        manager.finalize()
        return [manager]


class InlineCompiler(ForeignCompiler):
    """The same for functions of this package, which do without most steps."""

    unused = _UNUSED


class CallCompiler(InlineCompiler):
    """The same for a function that is linked into a kernel and called there, not inlined."""

    lowering = _CallLowering
