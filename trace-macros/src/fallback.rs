//! What is emitted when something is wrong: the item as the user wrote it, beside one error for each mistake, so that nothing else
//! breaks and editors keep working.

use proc_macro2::TokenStream;
use syn::Error;

/// The user's item and the mistakes.
pub(crate) fn item(item: TokenStream, mistakes: &Error) -> TokenStream {
    let mut tokens = mistakes.to_compile_error();
    tokens.extend(item);
    tokens
}

/// The mistakes where an expression is expected; braces keep several of them one expression.
pub(crate) fn expression(mistakes: &Error) -> TokenStream {
    let errors = mistakes.to_compile_error();
    quote::quote! { { #errors } }
}
