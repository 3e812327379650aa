//! The README shows what is there.

const README: &str = include_str!("../README.md");

#[test]
fn the_smallest_program_is_the_example_and_has_fewer_than_25_lines() {
    let example = include_str!("../examples/smallest.rs");
    assert!(README.contains(&format!("```rust,no_run\n{example}```")), "paste examples/smallest.rs into README.md");
    assert!(example.lines().count() < 25);
}

#[test]
fn pages_that_are_linked_exist() {
    for link in README.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
        let is_page = !link.is_empty() && !link.contains("://");
        assert!(
            !is_page || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists(),
            "README.md links {link}"
        );
    }
}
