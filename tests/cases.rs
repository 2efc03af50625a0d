//! Scenario cases: each folder tests/cases/NNN-name is one. case.toml says in a sentence what is shown, then step by step
//! what is dropped, what the real binary answers, how the spool stands and what the views hold. tests/cases/README.md
//! tells the words of case.toml.

mod another_user;
mod cases {
    pub mod desk;
    pub mod script;
}

use std::path::Path;

use cases::script::play;

macro_rules! cases {
    ($($test:ident = $folder:literal,)*) => {
        $(#[test]
        fn $test() {
            play($folder);
        })*

        const LISTED: &[&str] = &[$($folder),*];
    };
}

cases! {
    case_001_duplicate_under_another_name = "001-duplicate-under-another-name",
    case_002_same_number_other_fields = "002-same-number-other-fields",
    case_003_refused_then_sent_again_well = "003-refused-then-sent-again-well",
    case_004_stock_a_b_a = "004-stock-a-b-a",
    case_005_mondays_stock_retried_on_wednesday = "005-mondays-stock-retried-on-wednesday",
    case_006_unchanged_nightly_file = "006-unchanged-nightly-file",
    case_007_orders_before_their_customer = "007-orders-before-their-customer",
    case_008_older_stock_after_newer = "008-older-stock-after-newer",
    case_009_closing_what_is_no_longer_named = "009-closing-what-is-no-longer-named",
    case_010_fifty_orders_three_bad = "010-fifty-orders-three-bad",
    case_011_fifty_orders_whole_file = "011-fifty-orders-whole-file",
    case_012_fixed_width_reject_with_totals = "012-fixed-width-reject-with-totals",
    case_013_truncated_xml = "013-truncated-xml",
    case_014_unclosed_quote = "014-unclosed-quote",
    case_015_columns_in_another_order = "015-columns-in-another-order",
    case_016_missing_column = "016-missing-column",
    case_017_wrong_encoding = "017-wrong-encoding",
    case_018_nul_bytes = "018-nul-bytes",
    case_019_document_type_and_entities = "019-document-type-and-entities",
    case_020_empty_file = "020-empty-file",
    case_021_header_alone = "021-header-alone",
    case_022_two_roots = "022-two-roots",
    case_023_a_day_that_does_not_exist = "023-a-day-that-does-not-exist",
    case_024_a_quantity_with_letters = "024-a-quantity-with-letters",
    case_025_a_number_beyond_all_bounds = "025-a-number-beyond-all-bounds",
    case_026_negative_stock = "026-negative-stock",
    case_027_unknown_article = "027-unknown-article",
    case_028_unknown_customer = "028-unknown-customer",
    case_029_unknown_unit = "029-unknown-unit",
    case_030_another_partners_customer = "030-another-partners-customer",
    case_031_line_numbers_twice = "031-line-numbers-twice",
    case_032_strange_names = "032-strange-names",
    case_033_links_and_folders = "033-links-and-folders",
    case_034_no_permission = "034-no-permission",
    case_035_another_root = "035-another-root",
    case_036_depth_bomb = "036-depth-bomb",
    case_037_a_file_goes_out_and_in = "037-a-file-goes-out-and-in",
    case_038_partner_15_whole_or_not = "038-partner-15-whole-or-not",
    case_039_a_file_without_its_end_waits = "039-a-file-without-its-end-waits",
    case_040_refused_above_a_share = "040-refused-above-a-share",
    case_041_replaced_until_exported = "041-replaced-until-exported",
    case_042_a_done_file_vouches_once = "042-a-done-file-vouches-once",
    case_043_dropped_again_by_hand = "043-dropped-again-by-hand",
    case_044_an_order_twice_in_a_file = "044-an-order-twice-in-a-file",
    case_045_retry_by_reason = "045-retry-by-reason",
    case_046_a_lost_database = "046-a-lost-database",
    case_047_an_older_database = "047-an-older-database",
    case_048_names_that_are_not_taken = "048-names-that-are-not-taken",
    case_049_a_held_file_moved_back_by_hand = "049-a-held-file-moved-back-by-hand",
    case_050_a_reason_says_the_present = "050-a-reason-says-the-present",
    case_051_a_folder_that_refuses = "051-a-folder-that-refuses",
    case_060_own_csv_cut_in_its_last_number = "060-own-csv-cut-in-its-last-number",
    case_061_one_number_one_order = "061-one-number-one-order",
    case_062_words_of_a_partner = "062-words-of-a-partner",
    case_063_ignored_and_answered = "063-ignored-and-answered",
    case_070_a_key_twice_in_a_file = "070-a-key-twice-in-a-file",
    case_071_another_encoding_and_a_flawed_last_row = "071-another-encoding-and-a-flawed-last-row",
    case_110_changes_go_out = "110-changes-go-out",
    case_111_locked_and_released = "111-locked-and-released",
    case_130_paused = "130-paused",
    case_131_a_guard_on_a_full_file = "131-a-guard-on-a-full-file",
    case_132_behind_a_locked_file = "132-behind-a-locked-file",
    case_133_open_orders = "133-open-orders",
    case_150_told_once_and_over_once = "150-told-once-and-over-once",
    case_151_a_channel_that_refuses_gets_it_later = "151-a-channel-that-refuses-gets-it-later",
    case_190_decided_with_what_came_along = "190-decided-with-what-came-along",
    case_210_a_partner_in_test = "210-a-partner-in-test",
    case_211_a_partner_in_shadow = "211-a-partner-in-shadow",
    case_212_a_live_partner_goes_into_test = "212-a-live-partner-goes-into-test",
    case_213_locks_and_rehearsals = "213-locks-and-rehearsals",
    case_240_deletions_are_told = "240-deletions-are-told",
    case_241_orders_that_never_came = "241-orders-that-never-came",
    case_242_a_database_that_nobody_copies = "242-a-database-that-nobody-copies",
    case_270_something_else_where_a_folder_should_be = "270-something-else-where-a-folder-should-be",
    case_300_tagged_lines_and_a_name = "300-tagged-lines-and-a-name",
    case_310_a_file_of_another_standard = "310-a-file-of-another-standard",
    case_311_stock_of_all_warehouses_in_one_element = "311-stock-of-all-warehouses-in-one-element",
    case_312_an_order_of_a_standard = "312-an-order-of-a-standard",
    case_320_an_edifact_interchange = "320-an-edifact-interchange",
    case_321_one_bad_message_of_three = "321-one-bad-message-of-three",
    case_322_an_invoice_among_orders = "322-an-invoice-among-orders",
    case_330_two_layouts_that_fit_alike = "330-two-layouts-that-fit-alike",
    case_340_values_of_other_kinds = "340-values-of-other-kinds",
    case_341_by_their_ean = "341-by-their-ean",
    case_342_prices_discounts_and_net_prices = "342-prices-discounts-and-net-prices",
    case_343_five_prices_side_by_side = "343-five-prices-side-by-side",
    case_344_a_row_for_each_line_of_a_despatch = "344-a-row-for-each-line-of-a-despatch",
    case_345_a_message_for_each_despatch = "345-a-message-for-each-despatch",
    case_360_orders_in_a_workbook = "360-orders-in-a-workbook",
    case_361_an_archive_of_files = "361-an-archive-of-files",
    case_362_a_feed_that_writes_an_archive = "362-a-feed-that-writes-an-archive",
    case_370_lines_beside_their_orders = "370-lines-beside-their-orders",
    case_371_a_misspelt_element_of_a_standard = "371-a-misspelt-element-of-a-standard",
    case_372_a_number_is_missing = "372-a-number-is-missing",
    case_410_a_lock_that_outlives_its_feed = "410-a-lock-that-outlives-its-feed",
    case_411_a_pause_is_not_late = "411-a-pause-is-not-late",
    case_425_a_lock_that_outlives_its_intake = "425-a-lock-that-outlives-its-intake",
    case_430_an_order_and_its_pdf = "430-an-order-and-its-pdf",
    case_431_heads_and_lines_in_two_files = "431-heads-and-lines-in-two-files",
    case_445_a_name_that_is_always_the_same = "445-a-name-that-is-always-the-same",
    case_446_packed_with_gzip = "446-packed-with-gzip",
    case_470_a_file_for_each_order = "470-a-file-for-each-order",
    case_490_letters_that_an_encoding_lacks = "490-letters-that-an-encoding-lacks",
    case_491_the_stock_of_a_set = "491-the-stock-of-a-set",
    case_520_lists_of_codes_and_numbers = "520-lists-of-codes-and-numbers",
    case_521_a_quote_is_ordered_once = "521-a-quote-is-ordered-once",
    case_522_an_order_is_changed = "522-an-order-is-changed",
    case_540_who_registers_gets_a_number = "540-who-registers-gets-a-number",
    case_541_two_that_mean_one_company = "541-two-that-mean-one-company",
    case_542_the_erp_gives_the_number = "542-the-erp-gives-the-number",
    case_543_made_of_an_order = "543-made-of-an-order",
    case_544_too_much_made_of_orders = "544-too-much-made-of-orders",
    case_560_stock_and_prices_are_asked_for = "560-stock-and-prices-are-asked-for",
    case_561_orders_are_asked_for = "561-orders-are-asked-for",
    case_562_order_feedback_of_ninety_days = "562-order-feedback-of-ninety-days",
    case_590_manifests_of_documents = "590-manifests-of-documents",
    case_620_a_pdf_goes_out_with_its_order = "620-a-pdf-goes-out-with-its-order",
    case_621_a_pdf_comes_alone = "621-a-pdf-comes-alone",
    case_622_no_order_without_its_pdf = "622-no-order-without-its-pdf",
    case_640_everything_by_one_folder_changes_by_another = "640-everything-by-one-folder-changes-by-another",
    case_641_a_file_and_its_bad_records_have_their_folders = "641-a-file-and-its-bad-records-have-their-folders",
    case_642_each_change_is_handed_over_once = "642-each-change-is-handed-over-once",
    case_643_prices_by_list_customer_and_quantity = "643-prices-by-list-customer-and-quantity",
    case_644_everything_or_changes_by_a_flag = "644-everything-or-changes-by-a-flag",
    case_645_a_test_by_its_name = "645-a-test-by-its-name",
    case_655_deleted_by_name = "655-deleted-by-name",
    case_670_corrected_in_place = "670-corrected-in-place",
    case_671_corrected_and_judged_as_a_whole = "671-corrected-and-judged-as-a-whole",
    case_672_what_is_kept_of_a_person = "672-what-is-kept-of-a-person",
    case_710_one_order_there_and_back = "710-one-order-there-and-back",
    case_711_last_check_run_and_success = "711-last-check-run-and-success",
    case_720_reasons_that_are_rare = "720-reasons-that-are-rare",
    case_800_a_day_between_erp_and_shop = "800-a-day-between-erp-and-shop",
    case_801_a_day_of_a_wholesaler = "801-a-day-of-a-wholesaler",
    case_830_a_manifest_and_its_files = "830-a-manifest-and-its-files",
    case_831_documents_go_out_with_their_files = "831-documents-go-out-with-their-files",
    case_840_documents_are_asked_for = "840-documents-are-asked-for",
    case_841_the_newest_revision = "841-the-newest-revision",
    case_842_what_it_is_that_nothing_came = "842-what-it-is-that-nothing-came",
    case_843_originals_are_packed = "843-originals-are-packed",
    case_844_files_of_what_is_gone = "844-files-of-what-is-gone",
    case_860_what_it_was_yesterday = "860-what-it-was-yesterday",
}

#[test]
fn every_folder_is_played() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    folders.sort();
    assert_eq!(folders, LISTED);
    assert!(folders.len() >= 25, "{}", folders.len());
}
