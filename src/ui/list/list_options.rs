//! The filters by what a task says, and the order of the list. They are folded away until wanted.

use leptos::prelude::*;

use crate::review::list::SortBy;
use crate::schema::lint::FindingCode;
use crate::text::counted;
use crate::ui::controls::icons::icon;
use crate::ui::list::listing::Listing;
use crate::ui::screen::Screen;

/// The id of the element with the filters.
pub const OPTIONS: &str = "list-options";

/// The kinds of finding that are about single tasks.
const FINDINGS: [FindingCode; 5] = [
    FindingCode::DuplicateKey,
    FindingCode::DanglingDependency,
    FindingCode::SelfDependency,
    FindingCode::CyclicDependency,
    FindingCode::SimilarTitles,
];

/// The button that unfolds the filters. It says how many of them are in use.
#[component]
pub fn OptionsButton(screen: Screen, is_open: RwSignal<bool>) -> impl IntoView {
    let in_use = move || {
        let of_filter = screen.filter.with(|filter| {
            usize::from(filter.finding.is_some())
                + usize::from(filter.priority.is_some())
                + usize::from(filter.label.is_some())
                + usize::from(filter.has_dependencies.is_some())
        });
        let is_sorted = screen.sort_by.get() != SortBy::Proposal;
        of_filter + usize::from(is_sorted) + usize::from(screen.is_grouped.get())
    };
    let label = move || match in_use() {
        0 => "Filter and sort".to_owned(),
        count => format!("Filter and sort ({count})"),
    };
    view! {
        <button
            class="button quiet options-button"
            type="button"
            aria-expanded=move || is_open.get().to_string()
            aria-controls=OPTIONS
            on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
        >
            {icon("filter")}
            <span>{label}</span>
        </button>
    }
}

/// The filters that some task of the run passes, and the order.
#[component]
pub fn ListOptions(screen: Screen) -> impl IntoView {
    let listing = Listing::of(screen);
    let filter = screen.filter;
    let with_count = |(value, count): (String, usize)| {
        let text = format!("{value} ({count})");
        (value, text)
    };
    let priorities = Memo::new(move |_| {
        let found = listing.with_index(|index| index.priorities());
        found.into_iter().map(with_count).collect::<Vec<_>>()
    });
    let labels = Memo::new(move |_| {
        let found = listing.with_index(|index| index.labels());
        found.into_iter().map(with_count).collect::<Vec<_>>()
    });
    let dependencies = Memo::new(move |_| {
        let dependent = listing.with_index(|index| index.dependent_count());
        let total = screen.page.rows.with(Vec::len);
        if dependent == 0 {
            return Vec::new();
        }
        vec![
            ("yes".to_owned(), format!("On others ({dependent})")),
            ("no".to_owned(), format!("On none ({})", total - dependent)),
        ]
    });
    let findings = Memo::new(move |_| {
        listing.findings.with(|found| {
            let of_kind = |code| found.iter().filter(move |found| found.finding.code == code);
            let kinds = FINDINGS.iter().enumerate().filter_map(|(at, code)| {
                let count: usize = of_kind(*code).map(|found| found.tasks.len()).sum();
                let text = format!("{} ({})", code.label(), counted(count, "task"));
                (count > 0).then(|| (at.to_string(), text))
            });
            kinds.collect::<Vec<_>>()
        })
    });
    let finding_of = |value: &str| FINDINGS.get(value.parse::<usize>().ok()?).copied();
    let choose_dependencies = move |value: Option<String>| {
        let has_dependencies = value.map(|value| value == "yes");
        filter.update(|filter| filter.has_dependencies = has_dependencies);
    };
    let choose_finding = move |value: Option<String>| {
        let finding = value.as_deref().and_then(finding_of);
        filter.update(|filter| filter.finding = finding);
    };
    let choose_order = move |value: Option<String>| {
        let at = value.and_then(|value| value.parse::<usize>().ok());
        let by = at.and_then(|at| SortBy::ALL.get(at)).copied();
        screen.sort_by.set(by.unwrap_or_default());
    };
    let orders = Memo::new(move |_| {
        let orders = SortBy::ALL.iter().enumerate().skip(1);
        orders
            .map(|(at, by)| (at.to_string(), by.label().to_owned()))
            .collect::<Vec<_>>()
    });
    view! {
        <div class="list-options">
            <Choice
                id="filter-priority"
                label="Priority"
                none="Any"
                options=priorities
                chosen=Signal::derive(move || filter.with(|filter| filter.priority.clone()))
                on_choice=move |value| filter.update(|filter| filter.priority = value)
            />
            <Choice
                id="filter-label"
                label="Label"
                none="Any"
                options=labels
                chosen=Signal::derive(move || filter.with(|filter| filter.label.clone()))
                on_choice=move |value| filter.update(|filter| filter.label = value)
            />
            <Choice
                id="filter-dependencies"
                label="Depends"
                none="Any"
                options=dependencies
                chosen=Signal::derive(move || {
                    let has_dependencies = filter.with(|filter| filter.has_dependencies)?;
                    Some(if has_dependencies { "yes" } else { "no" }.to_owned())
                })
                on_choice=choose_dependencies
            />
            <Choice
                id="filter-finding"
                label="Finding"
                none="Any"
                options=findings
                chosen=Signal::derive(move || {
                    let finding = filter.with(|filter| filter.finding)?;
                    let at = FINDINGS.iter().position(|code| *code == finding)?;
                    Some(at.to_string())
                })
                on_choice=choose_finding
            />
            <Choice
                id="sort-by"
                label="Sort by"
                none=SortBy::Proposal.label()
                options=orders
                chosen=Signal::derive(move || {
                    let by = screen.sort_by.get();
                    let at = SortBy::ALL.iter().position(|known| *known == by)?;
                    (at > 0).then(|| at.to_string())
                })
                on_choice=choose_order
            />
            <Show when=move || dependencies.with(|found| !found.is_empty()) || screen.is_grouped.get()>
                <label class="check">
                    <input
                        type="checkbox"
                        prop:checked=screen.is_grouped
                        on:change:target=move |event| screen.is_grouped.set(event.target().checked())
                    />
                    "Group by dependency layer"
                </label>
            </Show>
        </div>
    }
}

/// A choice of one value or none. It is not shown while there is nothing to choose.
#[component]
fn Choice(
    id: &'static str,
    label: &'static str,
    /// What no choice is called.
    none: &'static str,
    /// The values with their texts.
    options: Memo<Vec<(String, String)>>,
    #[prop(into)] chosen: Signal<Option<String>>,
    #[prop(into)] on_choice: Callback<Option<String>>,
) -> impl IntoView {
    // A chosen value stays on offer if no task has it any more.
    let offered = Memo::new(move |_| {
        let mut offered = options.get();
        if let Some(chosen) = chosen.get()
            && offered.iter().all(|(value, _)| *value != chosen)
        {
            offered.push((chosen.clone(), chosen));
        }
        offered
    });
    let option = move |value: Option<String>, text: String| {
        let name = value.clone().unwrap_or_default();
        view! {
            <option value=name prop:selected=move || chosen.get() == value>
                {text}
            </option>
        }
    };
    view! {
        <Show when=move || offered.with(|offered| !offered.is_empty())>
            <div class="field">
                <label for=id>{label}</label>
                <select
                    class="input"
                    id=id
                    on:change:target=move |event| {
                        let value = event.target().value();
                        on_choice.run((!value.is_empty()).then_some(value));
                    }
                >
                    {option(None, none.to_owned())}
                    {move || {
                        let offered = offered.get().into_iter();
                        offered.map(|(value, text)| option(Some(value), text)).collect_view()
                    }}
                </select>
            </div>
        </Show>
    }
    .into_any()
}
