//! One mistake a user can make with a macro per file, and what the compiler says of it.

#[test]
fn mistakes_are_explained_on_the_users_own_token() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
