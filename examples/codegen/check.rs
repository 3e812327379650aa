//! What generated Rust is checked for: that it can be parsed, and that it is what was asked for.

use crate::spec::Spec;
use proc_macro2::Span;
use syn::spanned::Spanned;
use whytrace::generation::{Artifact, Finding, Validator};

/// Parses the code as a Rust file, with `syn`.
#[derive(Clone, Copy, Debug)]
pub struct RustSyntax;

impl Validator for RustSyntax {
    fn name(&self) -> &str {
        "rust_syntax"
    }

    fn validation_type(&self) -> &str {
        "syntax"
    }

    fn findings(&self, artifact: &Artifact) -> Vec<Finding> {
        let Err(errors) = syn::parse_file(&artifact.text) else { return Vec::new() };
        let finding = |error: syn::Error| at(Finding::new("SyntaxError", error.to_string()), error.span(), artifact);
        errors.into_iter().map(finding).collect()
    }
}

/// Looks for the type and the methods that were specified.
#[derive(Clone, Copy, Debug)]
pub struct Interface<'a>(pub &'a Spec);

impl Validator for Interface<'_> {
    fn name(&self) -> &str {
        "interface"
    }

    fn validation_type(&self) -> &str {
        "logic"
    }

    fn findings(&self, artifact: &Artifact) -> Vec<Finding> {
        let Ok(file) = syn::parse_file(&artifact.text) else { return Vec::new() };
        let type_name = self.0.type_name();
        let Some(found) = file.items.iter().find_map(|item| match item {
            syn::Item::Struct(item) if item.ident == type_name => Some(item),
            _ => None,
        }) else {
            let other = file.items.iter().find(|item| matches!(item, syn::Item::Struct(_)));
            let missing = Finding::new("MissingType", format!("there is no struct {type_name}"));
            return vec![at(missing, other.map_or_else(Span::call_site, Spanned::span), artifact)];
        };
        let methods = methods(&file, &type_name);
        let missing = self.0.methods.iter().filter(|method| !methods.contains(&method.name().to_owned()));
        let finding = |message| at(Finding::new("MissingMethod", message), found.ident.span(), artifact);
        missing
            .map(|method| finding(format!("{type_name} has no method {}: {}", method.name(), method.signature)))
            .collect()
    }
}

/// The methods that a type is given in a file.
fn methods(file: &syn::File, type_name: &str) -> Vec<String> {
    let is_of_type = |kind: &syn::Type| matches!(kind, syn::Type::Path(path) if path.path.is_ident(type_name));
    let blocks = file.items.iter().filter_map(|item| match item {
        syn::Item::Impl(block) if is_of_type(&block.self_ty) => Some(block),
        _ => None,
    });
    let items = blocks.flat_map(|block| &block.items);
    items
        .filter_map(|item| match item {
            syn::ImplItem::Fn(method) => Some(method.sig.ident.to_string()),
            _ => None,
        })
        .collect()
}

/// Puts a finding where a span begins; `syn` counts columns from 0.
fn at(finding: Finding, span: Span, artifact: &Artifact) -> Finding {
    let start = span.start();
    finding.at(start.line as u64, start.column as u64 + 1).within(&artifact.text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use whytrace::generation::validate;

    #[test]
    fn a_syntax_error_has_line_column_and_context() {
        let artifact = Artifact::new("a.rs", "pub struct A;\n\nimpl A {\n    def a(self):\n}\n");
        let report = validate(&RustSyntax, &artifact);
        let finding = report.first().unwrap();
        assert_eq!((finding.line, finding.column), (Some(4), Some(9)), "{report}");
        assert!(finding.context.as_ref().unwrap().contains("> 4 |     def a(self):"));
    }

    #[test]
    fn what_is_missing_is_found() {
        let spec: Spec = serde_json::from_str(
            r#"{"name":"a_b","purpose":"","fields":[],"methods":[{"signature":"fn go(&self)","purpose":""}]}"#,
        )
        .unwrap();
        let errors = |text: &str| {
            let report = validate(&Interface(&spec), &Artifact::new("a.rs", text));
            report.findings.into_iter().map(|finding| finding.error_type).collect::<Vec<_>>()
        };
        assert_eq!(errors("struct B;"), ["MissingType"]);
        assert_eq!(errors("struct AB; impl AB { fn stay(&self) {} }"), ["MissingMethod"]);
        assert!(errors("struct AB; impl AB { fn go(&self) {} }").is_empty());
    }
}
