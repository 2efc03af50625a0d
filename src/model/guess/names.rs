//! What partners call things, in English, German, Swedish and Dutch (with what Danes and Norwegians write alike): headings and element
//! names to concepts. A concept and whose it is (delivery, invoice) make a field of a kind.

use std::sync::LazyLock;

/// Concept, then its words; folded (`fold`), the words of one name with a blank between them.
pub const WORDS: &[(&str, &str)] = &[
    (
        "order_no",
        "ordernumber|external order id|external order no|web order no|channel order id|shop order id|bestellungs id|bestell id|order no|order number|order nr|order id|orderid|orderno|order|po number|po no|po id|purchase order|purchase order no|purchase order number|merchant order id|customer order no|customer po|externe bestell nr|bestellnummer|bestell nr|bestellnr|auftragsnummer|auftrag nr|auftragsnr|auftrag|kundenauftrag|belegnummer|ordernummer|ordernr|bestallningsnummer|bestallningsnr|inkopsorder|bestelnummer|bestelnr|order nummer|bestelling|ordre nr|ordrenummer|ordrenr|best nr kunde|bestellung",
    ),
    (
        "internal_order_no",
        "internal order no|our order no|seller order no|sales order|sales order no|unsere auftragsnummer|own order no",
    ),
    (
        "customer_no",
        "debtor number|debtornumber|cust number|kunden id|klant id|customer no|customer number|customer id|customer nr|customer code|customer|cust no|account|account no|account number|account code|debtor|debtor no|buyer id|buyer no|party id|cont id|contid|kunden nr|kundennummer|kundennr|kunde|kd nr|kdnr|debitor|debitorennummer|debitornr|kund nr|kundnr|kundnummer|kund|klantnummer|klant nr|klantnr|klant|debiteurnummer|debiteur|relatie|relatienummer|kundenummer",
    ),
    (
        "order_date",
        "order date|date ordered|ordered|ordered at|created|created at|creation date|po date|date|document date|bestelldatum|auftragsdatum|belegdatum|datum|erstellt|orderdatum|bestallningsdatum|skapad|besteldatum|aangemaakt|orderdatum|ordredato|dato|bestellt am",
    ),
    ("order_time", "order time|time|uhrzeit|bestellzeit|tid|klockslag|tijd|besteltijd"),
    (
        "requested_date",
        "del date|required by|requested date|delivery date|requested delivery date|delivery wanted|wanted date|due date|required date|ship date|lieferdatum|liefertermin|wunschtermin|wunschlieferdatum|versand datum|leveransdatum|onskat leveransdatum|leveringsdatum|leverdatum|gewenste leverdatum|afleverdatum|levdatum",
    ),
    ("currency", "cur|currency|currency code|curr|wahrung|waehrung|waehrungscode|valuta|valutakod|valutacode|munt"),
    ("language", "language|language code|lang|sprache|sprachcode|sprak|sprakkod|taal|taalcode"),
    (
        "reference",
        "reference|your reference|customer reference|ref|your ref|buyer reference|reference no|bemerkung|referenz|ihr zeichen|ihre referenz|kommission|er referens|referens|marke|uw referentie|referentie|kenmerk|uw kenmerk",
    ),
    (
        "contact",
        "contact|contact name|contact person|attn|attention|ansprechpartner|kontaktperson|kontakt|zu handen|zhd|kontaktnamn|er kontakt|contactpersoon|ter attentie van|tav|besteller",
    ),
    (
        "email",
        "email|e mail|email address|e mail address|mail|emailadresse|e mail adresse|mailadresse|epost|e post|epostadress|e mailadres|emailadres|mejl",
    ),
    (
        "phone",
        "phone|phone no|phone number|telephone|tel|tel no|telefon|telefonnummer|telefon nr|rufnummer|telefonnr|tele|telefoon|telefoonnummer|tlf|phone 1|phone1",
    ),
    ("mobile", "mobile|mobile phone|cell|cell phone|handy|mobil|mobiltelefon|mobilnummer|mobiel|mobilfunk|gsm"),
    (
        "name",
        "name|full name|company name|company|customer name|recipient|recipient name|cont name|contname|firma|firmenname|name 1|name1|kundenname|empfanger|empfangername|namn|foretag|foretagsnamn|kundnamn|mottagare|naam|bedrijf|bedrijfsnaam|klantnaam|ontvanger|firmanaam|navn|attention name",
    ),
    (
        "first_name",
        "first name|firstname|forename|given name|vorname|fornamn|voornaam|fornavn|pers first name|cpers first name",
    ),
    (
        "last_name",
        "last name|lastname|surname|family name|nachname|zuname|efternamn|achternaam|etternavn|efternavn|pers last name|cpers last name",
    ),
    (
        "name2",
        "name 2|name2|company 2|department|zusatz|name zusatz|adresszusatz|firma 2|firma2|namn 2|namn2|co adress|avdelning|naam 2|naam2|afdeling|abteilung",
    ),
    (
        "street",
        "street|street 1|street1|address|address 1|address1|address line 1|addr 1|addr1|line 1 street address|street address|strasse|str|strasse und nr|strasse hausnummer|anschrift|adresse|gatuadress|gata|adress|adress 1|adress1|utdelningsadress|straat|adres|adres 1|straatnaam|gate|vej|postadress|streetname|street name",
    ),
    (
        "street2",
        "street 2|street2|address 2|address2|address line 2|addr 2|addr2|line 2 street address|suite|unit no|strasse 2|strasse2|adresse 2|adresse2|adress 2|adress2|c o|adres 2|adres2|toevoeging",
    ),
    ("house_no", "house no|house number|hausnummer|haus nr|hausnr|husnummer|husnr|huisnummer|huisnr"),
    (
        "zip",
        "zip|zip code|zipcode|postcode|post code|postal code|postal|postalcode|postal zone|plz|postleitzahl|postnummer|postnr|post nr|mail code|international mail code",
    ),
    ("city", "city|city name|town|place|ort|stadt|wohnort|ort name|postort|stad|plaats|woonplaats|poststed|by"),
    (
        "state",
        "state|state code|province|county|region|county code|bundesland|bundesland|kanton|lan|delstat|provincie|fylke|country subentity|international province name|province name",
    ),
    (
        "country",
        "country|country code|country iso|iso country|land|landercode|laenderkennzeichen|landkz|lkz|landkod|landcode|lands kod|identification code|country name",
    ),
    ("gln", "gln|ean location|iln|global location number|lokationsnummer|ean lokation"),
    (
        "ship_method",
        "ship method|shipping method|ship via|delivery method|shipping service|carrier service|versandart|versandart name|versandweg|lieferart|leveranssatt|fraktsatt|transportsatt|verzendwijze|verzendmethode|leveringsmatte|shipping",
    ),
    (
        "delivery_terms",
        "delivery terms|incoterm|incoterms|terms of delivery|lieferbedingung|lieferbedingungen|leveransvillkor|leveringsvoorwaarde|leveringsvoorwaarden",
    ),
    (
        "payment_method",
        "payment method|payment|payment type|paid by|pay method|zahlungsart|zahlungsart name|zahlungsweise|zahlart|betalningssatt|betalsatt|betaalwijze|betaalmethode|betalingsmate",
    ),
    (
        "payment_terms",
        "payment terms|terms of payment|terms|zahlungsbedingung|zahlungsbedingungen|betalningsvillkor|betalvillkor|betalingsconditie|betaaltermijn code|betalingsbetingelser",
    ),
    (
        "payment_days",
        "payment days|net days|days to pay|zahlungsziel|zahlungsziel tage|betaldagar|kredittid|betaaltermijn|betalingstermijn",
    ),
    (
        "paid_date",
        "paid date|date paid|payment date|bezahlt datum|bezahldatum|zahlungsdatum|betald|betaldatum|betalningsdatum|betaaldatum",
    ),
    (
        "freight",
        "freight|shipping cost|shipping amount|shipping costs|shipping price|postage|versandkosten|fracht|frachtkosten|porto|frakt|fraktkostnad|fraktavgift|verzendkosten|vrachtkosten",
    ),
    (
        "total_net",
        "total net|net total|subtotal|total excl|summe netto|nettosumme|gesamt netto|nettobetrag|netto summa|totalt exkl moms|totaal excl|nettobedrag|order total net",
    ),
    (
        "total_gross",
        "rechnungsbetrag|invoice total|total|total gross|grand total|order total|total amount|total incl|summe|gesamtsumme|gesamtbetrag|bruttosumme|gesamt brutto|totalsumma|totalt|summa|att betala|totaal|totaalbedrag|totaal incl",
    ),
    (
        "note",
        "note|notes|comment|comments|remark|remarks|instruction|instructions|special instructions|delivery instruction|message|kommentar|hinweis|anmerkung|notiz|bemerkungen|anteckning|meddelande|notering|opmerking|opmerkingen|notitie",
    ),
    (
        "line_no",
        "line no|line number|line id|line|line item id|pos|position|pos nr|posnr|positionsnummer|positions nr|item no|zeile|zeilennummer|rad|radnummer|radnr|rad nr|regel|regelnummer|regelnr|linje|sequence",
    ),
    (
        "line_ref",
        "line ref|line reference|item id|order item id|merchant order item id|item ref|partner line ref|positionsreferenz",
    ),
    (
        "article_no",
        "supplier aid|supplier item code|model|stock item|supply code|article no|article number|article|article id|art no|artno|item|item no|item number|item code|itemcode|item sku|sku|product sku|product|product id|product no|product code|product number|part no|part number|part|material|material no|material number|stock code|supplier pid|supplier article no|a nr|artikelnummer|artikel nr|artikelnr|artikel|art nr|artnr|bestellartikel|material nr|materialnummer|teilenummer|ersatzteilnummer|produktnummer|produkt nr|varunummer|varunr|reservdelsnummer|produkt|artikelcode|productcode|onderdeelnummer|varenummer|varenr|vare nr|lieferanten artikelnummer|sellers item identification",
    ),
    (
        "buyer_article_no",
        "buyer article no|customer article no|customer item|your article no|your item no|customer part no|buyer pid|kundenartikelnummer|kunden artikel nr|ihre artikelnummer|kundens artikelnummer|ert artikelnummer|uw artikelnummer|klant artikelnummer|buyers item identification",
    ),
    (
        "supplier_article_no",
        "manufacturer part no|mpn|manufacturer article no|vendor part no|vendor item no|hersteller nr|herstellernummer|hersteller artikelnummer|tillverkarens artikelnummer|leverantorens artikelnummer|fabrikantnummer|leveranciersartikelnummer",
    ),
    (
        "ean",
        "ean|ean code|ean 13|ean13|gtin|gtin 13|upc|barcode|bar code|a ean|ean nummer|ean nr|strichcode|streckkod|ean kod|streepjescode|international pid|strekkode",
    ),
    ("isbn", "isbn|isbn 10|isbn 13|isbn13"),
    (
        "description",
        "description|description short|product name|item name|article name|product description|item description|product title|title|designation|bezeichnung|artikelbezeichnung|beschreibung|produktname|artikelname|kurztext|artikeltext|benamning|beskrivning|artikelnamn|produktnamn|varubenamning|omschrijving|artikelomschrijving|productnaam|beskrivelse|varetekst|text",
    ),
    (
        "qty",
        "qty|quantity|quant|order qty|order quantity|ordered qty|ordered quantity|quantity ordered|product qty|shipped qty|shipped quantity|amount ordered|stock|stock qty|stock quantity|stock level|on hand|available|availability qty|a stock|stock int|stockint|inventory|menge|anzahl|stuckzahl|stuck|bestellmenge|liefermenge|bestand|lagerbestand|verfugbar|verfugbare menge|antal|kvantitet|bestallt antal|lagersaldo|saldo|i lager|lagerantal|aantal|hoeveelheid|besteld|voorraad|voorraad aantal|antall|beholdning|lagerbeholdning",
    ),
    (
        "unit",
        "per|order unit code|unit|uom|unit of measure|order unit|quantity unit|units|einheit|mengeneinheit|me|verpackungseinheit|enhet|mangdenhet|eenheid|verpakkingseenheid|maateenheid",
    ),
    (
        "net_price",
        "price without tax|price ex vat|price excl tax|preis ohne mwst|prijs zonder btw|single price|unit cost|cost|net price|price net|unit price net|price excl|price excl vat|unit net price|net unit price|price|unit price|price each|item price|price amount|cost price each|preis|einzelpreis|stuckpreis|nettopreis|einzelpreis netto|preis einzel netto|verkaufspreis|ep|pris|apris|a pris|styckpris|enhetspris|nettopris|utpris|pris exkl moms|prijs|stukprijs|eenheidsprijs|nettoprijs|prijs excl|verkoopprijs|listpris|listenpreis|list price|catalog price|base price|price base|unit base price",
    ),
    (
        "gross_price",
        "gross price|price gross|price incl|price incl vat|unit gross price|retail price|bruttopreis|preis brutto|einzelpreis brutto|bruttopris|pris inkl moms|pris ink moms|brutoprijs|prijs incl",
    ),
    (
        "price_per",
        "price per|price quantity|base quantity|price unit quantity|preiseinheit|preis pro|preismenge|prisenhet|pris per|prijs per|prijseenheid",
    ),
    (
        "recommended_price",
        "recommended price|rrp|msrp|suggested price|uvp|empfohlener preis|rekommenderat pris|cirkapris|adviesprijs",
    ),
    (
        "discount",
        "discount|discount pct|discount percent|discount 1|rebate|rabatt|rabatt prozent|nachlass|rabattsats|korting|kortingspercentage",
    ),
    (
        "tax",
        "tax|tax rate|vat|vat rate|tax pct|mwst|mwst satz|steuersatz|ust|ust satz|moms|momssats|btw|btw percentage|mva|tax code rate",
    ),
    (
        "line_total",
        "line total|line amount|line price|price line amount|extended price|amount|positionsbetrag|zeilensumme|gesamtpreis|positionssumme|radsumma|radbelopp|regelbedrag|regeltotaal|belopp|betrag|bedrag",
    ),
    (
        "warehouse",
        "warehouse|warehouse id|warehouse code|location|site|depot|branch warehouse|lager|lagerort|lagernummer|filiallager|lagerstalle|lagerplats|lagerstalle|magazijn|magazijncode|stock location",
    ),
    (
        "branch",
        "branch|branch id|store|store no|filiale|filialnummer|niederlassung|filial|butik|butiksnummer|filiaal|vestiging",
    ),
    ("order_type", "order type|type of order|auftragsart|bestellart|ordertyp|ordertype|bestelsoort"),
    (
        "valid_from",
        "active from|valid as of|valid from|start date|from date|price date|effective date|gultig ab|gultig von|ab datum|preisdatum|giltig fran|fran datum|prisdatum|galler fran|geldig vanaf|ingangsdatum|vanaf datum",
    ),
    (
        "valid_to",
        "active to|active until|valid to|valid until|end date|to date|gultig bis|bis datum|giltig till|till datum|galler till|geldig tot|einddatum|tot datum",
    ),
    (
        "from_qty",
        "quantity min|min order qty|minimum qty|qty from|break qty|scale qty|from qty|from quantity|min qty|minimum quantity|quantity break|lower bound|ab menge|staffelmenge|mindestmenge|staffel|fran antal|minsta antal|kvantitetsbrytning|vanaf aantal|staffelaantal|minimum aantal",
    ),
    (
        "price_list",
        "price list|pricelist|price list code|price group|preisliste|preislistennummer|preisgruppe|prislista|prislistekod|prijslijst|prijsgroep",
    ),
    (
        "discount_group",
        "discount group|rabattgruppe|rabattgrupp|rabattgr|kortingsgroep|discount code|rabattkod|product group|warengruppe|varugrupp|artikelgroep|materialklass|materialgrupp",
    ),
    ("customer_group", "customer group|group|kundengruppe|kundgrupp|klantgroep|customer type|customer type code"),
    (
        "tracking_no",
        "tracking no|tracking number|tracking|tracking code|tracking id|parcel no|parcel number|shipper tracking number|waybill|consignment number|sendungsnummer|paketnummer|trackingnummer|frachtbriefnummer|kollinummer|kolli id|sandningsnummer|spamingsnummer|sparningsnummer|paketnr|zendingnummer|track en trace|barcode zending|sporingsnummer",
    ),
    (
        "tracking_url",
        "tracking url|tracking link|tracking page|track url|sendungsverfolgung|trackinglink|sparningslank|track trace url",
    ),
    (
        "carrier",
        "carrier|carrier code|carrier name|shipping provider|shipper|freight company|forwarder|versanddienstleister|spediteur|frachtfuhrer|paketdienst|transportor|fraktbolag|speditor|vervoerder|transporteur|transportbedrijf",
    ),
    (
        "service",
        "service|service code|shipping method|delivery service|versandart|produkt versand|frakttjanst|tjanst|verzendservice|dienst",
    ),
    (
        "shipped_at",
        "handle time|handled at|handled|sent at|date sent|shipped at|shipped|ship date|shipping date|shipment date|dispatch date|despatch date|fulfillment date|shipped date|versanddatum|versendet am|lieferdatum|skickad|leveransdatum|utleveransdatum|verzenddatum|verzonden op|sendt dato",
    ),
    (
        "delivery_note_no",
        "delivery note|delivery note no|shipment id|shipment no|shipment number|shipment|packing slip|merchant fulfillment id|despatch no|dispatch no|lieferschein|lieferschein nr|lieferscheinnummer|foljesedel|foljesedelsnummer|sandning|pakbon|pakbonnummer|leveringsbon",
    ),
    ("status", "status|order status|state of order|status code|auftragsstatus|bestellstatus|orderstatus|bestelstatus"),
    (
        "invoice_no",
        "invoice no|invoice number|invoice id|rechnungsnummer|rechnung nr|rechnungs nr|fakturanummer|fakturanr|faktura nr|factuurnummer|factuurnr",
    ),
    ("credit_limit", "credit limit|credit limit amount|kreditlimit|kreditgrans|kredietlimiet"),
    (
        "vat_no",
        "vat no|vat number|vat id|tax nbr|tax no|tax number|ust id|ust idnr|umsatzsteuer id|steuernummer|momsregistreringsnummer|vat nummer|momsnr|btw nummer|btw nr",
    ),
    (
        "org_no",
        "org no|company registration|registration number|company no|handelsregisternummer|organisationsnummer|org nr|orgnr|kvk nummer|kvk|organisasjonsnummer",
    ),
    ("blocked", "blocked|is blocked|gesperrt|sperre|sparrad|sparr|geblokkeerd|sperret"),
    ("active", "active|active indicator|is active|enabled|aktiv|actief"),
    ("address_role", "address type|address type code|type of address|adressart|adresstyp|adressoort"),
    (
        "expected_date",
        "expected date|eta|restock date|next delivery|available from|arrival date|wieder lieferbar|zulaufdatum|voraussichtlich|vantas in|nasta leverans|verwacht|verwachte datum|leverbaar vanaf",
    ),
    ("expected_qty", "expected qty|incoming|incoming qty|zulauf|zulaufmenge|inkommande|verwacht aantal"),
    ("weight", "weight|weight kg|gross weight|net weight|gewicht|vikt|bruttogewicht|nettogewicht|brutovikt|nettovikt"),
    ("brand", "brand|manufacturer|make|marke|hersteller|varumarke|fabrikat|tillverkare|merk|fabrikant"),
    (
        "pack_qty",
        "pack qty|pack size|package quantity|units per pack|verpackungsmenge|vpe|inhalt|forpackningsstorlek|antal per forpackning|verpakkingsinhoud|colli inhoud",
    ),
    (
        "replaced_by",
        "replaced by|successor|supersession|superseded by|nachfolger|ersatzartikel|ersatt av|ersattningsartikel|vervangen door|opvolger",
    ),
    (
        "long_text",
        "long text|long description|description long|langtext|beschreibung lang|lang beskrivning|lange omschrijving",
    ),
    (
        "article_group",
        "article group|category|product category|item group|kategorie|artikelgruppe|kategori|artikelgrupp|categorie|productgroep",
    ),
    ("price_date", "last activity date|last change|changed at|modified"),
];

const DELIVERY: &str = "job|site|ship|ship to|shipto|shipping|delivery|deliver|deliver to|consignee|recipient|liefer|liefer anschrift|lieferadresse|lieferanschrift|versand|tlieferadresse|empfanger|leverans|leveransadress|lev|mottagare|aflever|afleveradres|bezorg|levering|verzend|goods recipient|dp|st";
const INVOICE: &str = "sell to|sellto|bill|bill to|billto|billing|invoice|invoicing|invoice recipient|payer|invoicee|iv|bt|invoice issuer|invoice recipient|rechnung|rechnungs|rechnungsadresse|faktura|fakturering|fakturaadress|factuur|factuuradres|betaler";
const BUYER: &str =
    "customer|buyer|by|sold to|soldto|orderer|kunde|kunden|besteller|auftraggeber|kund|bestallare|klant|koper|account";

/// Whose address or person it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    Nobody,
    Delivery,
    Invoice,
    Buyer,
}

/// A name understood: how sure, 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub concept: &'static str,
    pub whose: Whose,
    pub sure: u32,
}

/// The words of a name: `cExterneBestellNr`, `ship_address_1` and `Bestell-Nr.` are all words with blanks.
pub fn fold(name: &str) -> String {
    let mut words = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let next_small = chars.get(at + 1).is_some_and(|c| c.is_lowercase());
        let begins = before.is_some_and(|b| {
            b.is_lowercase() && c.is_uppercase()
                || b.is_uppercase() && c.is_uppercase() && next_small
                || b.is_alphabetic() && c.is_ascii_digit()
        });
        if begins {
            words.push(' ');
        }
        match c.to_lowercase().next().unwrap_or(*c) {
            'ä' | 'å' | 'á' | 'à' | 'æ' => words.push('a'),
            'ö' | 'ø' | 'ó' => words.push('o'),
            'ü' | 'ú' => words.push('u'),
            'é' | 'è' | 'ë' => words.push('e'),
            'ß' => words.push_str("ss"),
            c if c.is_alphanumeric() => words.push(c),
            _ => words.push(' '),
        }
    }
    let mut words: Vec<&str> = words.split_whitespace().collect();
    // A type's letter before the name: cName, dErstellt, nZahlungsziel.
    if words.len() > 1
        && matches!(words[0], "c" | "d" | "f" | "n" | "k" | "s" | "i" | "b" | "str")
        && name.starts_with(char::is_lowercase)
    {
        words.remove(0);
    }
    words.join(" ")
}

/// `ae`, `oe`, `ue` for letters that a partner could not write.
fn without_digraphs(text: &str) -> String {
    text.replace("ae", "a").replace("oe", "o").replace("ue", "u")
}

/// What a name could mean, the surest first; `around` are the names of the elements that it stands in.
pub fn meanings(name: &str, around: &[String]) -> Vec<Meaning> {
    let words = fold(name);
    let (own_whose, rest) = whose(&words);
    let outer = around.iter().rev().map(|outer| whose(&fold(outer)).0).find(|whose| *whose != Whose::Nobody);
    let whose = if own_whose == Whose::Nobody { outer.unwrap_or(Whose::Nobody) } else { own_whose };
    let mut found: Vec<Meaning> = Vec::new();
    // What is left of a name without whose it is says a little less than the whole.
    for (text, less) in [(words.as_str(), 0), (rest.as_str(), if rest == words { 0 } else { 4 })] {
        let asked = Phrase::of(text);
        for (concept, phrases) in TABLE.iter() {
            let sure = phrases.iter().map(|phrase| likeness(&asked, phrase)).max().unwrap_or(0);
            let sure = sure.saturating_sub(less);
            let known = found.iter_mut().find(|meaning| meaning.concept == *concept);
            match known {
                Some(meaning) => meaning.sure = meaning.sure.max(sure),
                None if sure > 0 => found.push(Meaning { concept, whose, sure }),
                None => {}
            }
        }
    }
    found.sort_by_key(|meaning| std::cmp::Reverse(meaning.sure));
    found
}

/// A word alone that says whose something is, like the role of a party.
pub fn whose_of(word: &str) -> Whose {
    let words = fold(word);
    let is = |list: &str| list.split('|').any(|marker| marker == words);
    match () {
        () if is(DELIVERY) => Whose::Delivery,
        () if is(INVOICE) => Whose::Invoice,
        () if is(BUYER) => Whose::Buyer,
        () => Whose::Nobody,
    }
}

/// Whose it is by its words, and the words without those.
fn whose(words: &str) -> (Whose, String) {
    for (whose, list) in [(Whose::Delivery, DELIVERY), (Whose::Invoice, INVOICE), (Whose::Buyer, BUYER)] {
        let mut markers: Vec<&str> = list.split('|').collect();
        markers.sort_by_key(|marker| std::cmp::Reverse(marker.len()));
        for marker in markers {
            if words == marker {
                return (whose, words.to_string());
            }
            if let Some(rest) = words.strip_prefix(marker) {
                let compound = marker.len() >= 6 && rest.len() >= 3;
                if rest.starts_with(' ') || compound {
                    return (whose, rest.trim().to_string());
                }
            }
            if let Some(rest) = words.strip_suffix(marker)
                && rest.ends_with(' ')
            {
                return (whose, rest.trim().to_string());
            }
        }
    }
    (Whose::Nobody, words.to_string())
}

/// A name in the forms in which names are compared.
struct Phrase {
    words: Vec<String>,
    joined: String,
    plain: String,
}

impl Phrase {
    fn of(text: &str) -> Self {
        let joined = text.replace(' ', "");
        let words = text.split(' ').filter(|word| !word.is_empty()).map(str::to_string).collect();
        Phrase { words, plain: without_digraphs(&joined), joined }
    }
}

type Table = Vec<(&'static str, Vec<Phrase>)>;

/// `WORDS`, cut once.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    WORDS.iter().map(|(concept, phrases)| (*concept, phrases.split('|').map(Phrase::of).collect())).collect()
});

fn likeness(text: &Phrase, phrase: &Phrase) -> u32 {
    let (a, b) = (text.joined.as_str(), phrase.joined.as_str());
    if a.is_empty() {
        return 0;
    }
    if a == b || text.plain == b || a == phrase.plain {
        return 95;
    }
    let (words, wanted) = (&text.words, &phrase.words);
    let extra = words.len().saturating_sub(wanted.len());
    if wanted.iter().all(|word| words.contains(word)) {
        let tail = words.ends_with(wanted);
        return 70u32.saturating_sub(12 * extra as u32) + if tail { 12 } else { 0 } + b.len().min(12) as u32 / 2;
    }
    // Compounds: Kundenauftragsnummer, Leveransadress.
    if b.len() >= 5 && (a.ends_with(b) || a.starts_with(b)) {
        return 45 + (20 * b.len() / a.len()) as u32;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_four_languages_are_understood() {
        for (name, concept, whose) in [
            ("order id", "order_no", Whose::Nobody),
            ("ship_zipcode", "zip", Whose::Delivery),
            ("product_qty", "qty", Whose::Nobody),
            ("cExterneBestellNr", "order_no", Whose::Nobody),
            ("Kundennummer", "customer_no", Whose::Nobody),
            ("Bestell-Nr.", "order_no", Whose::Nobody),
            ("Lieferadresse PLZ", "zip", Whose::Delivery),
            ("Straße", "street", Whose::Nobody),
            ("Strasse", "street", Whose::Nobody),
            ("Menge", "qty", Whose::Nobody),
            ("Waehrung", "currency", Whose::Nobody),
            ("Artikelnr", "article_no", Whose::Nobody),
            ("Antal", "qty", Whose::Nobody),
            ("Beställningsnummer", "order_no", Whose::Nobody),
            ("Benämning", "description", Whose::Nobody),
            ("Postnr", "zip", Whose::Nobody),
            ("Enhet", "unit", Whose::Nobody),
            ("Leveransdatum", "requested_date", Whose::Nobody),
            ("Aantal", "qty", Whose::Nobody),
            ("Omschrijving", "description", Whose::Nobody),
            ("Bestelnummer", "order_no", Whose::Nobody),
            ("Postcode", "zip", Whose::Nobody),
            ("Afleveradres Plaats", "city", Whose::Delivery),
            ("InvoiceCity", "city", Whose::Invoice),
            ("tracking_url", "tracking_url", Whose::Nobody),
        ] {
            let all = meanings(name, &[]);
            let best = all.first().unwrap_or_else(|| panic!("{name} means nothing"));
            assert!(all.iter().take_while(|m| m.sure == best.sure).any(|m| m.concept == concept), "{name}: {all:?}");
            if whose != Whose::Nobody {
                assert_eq!(best.whose, whose, "{name}");
            }
        }
        let inner = meanings("cPLZ", &["tlieferadresse".to_string()]);
        assert_eq!((inner[0].concept, inner[0].whose), ("zip", Whose::Delivery));
        assert!(meanings("qwzx", &[]).is_empty());
    }
}
