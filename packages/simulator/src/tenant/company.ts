/** Where people work. `origins` are the names met there with their weights; `#` in a phone stands for a digit. */
export interface Site {
  readonly code: string;
  readonly city: string;
  readonly state?: string;
  readonly country: string;
  /** ISO 3166-1 alpha-2, as `usageLocation` wants it. */
  readonly countryCode: string;
  readonly region: "EMEA" | "Americas" | "APAC";
  readonly street: string;
  readonly postalCode: string;
  readonly language: string;
  readonly phone: string;
  readonly mobile: string;
  /** The legal entity's ending: GmbH, Ltd, K.K. */
  readonly entity: string;
  readonly origins: Readonly<Record<string, number>>;
}

/** One department with its ladder of job titles. */
export interface Department {
  readonly name: string;
  readonly short: string;
  /** Share of the company's people. */
  readonly weight: number;
  readonly chief: string;
  readonly head: string;
  readonly director: string;
  readonly manager: string;
  readonly lead: string;
  readonly roles: readonly string[];
}

/** An invented company; its domains end in `.example` (RFC 2606), so that no mail to its people can ever arrive. */
export interface Company {
  readonly name: string;
  readonly domain: string;
  readonly initialDomain: string;
  readonly acquired: { readonly name: string; readonly domain: string };
  /** The Active Directory forest that part of the people are synced from. */
  readonly forest: { readonly dnsName: string; readonly netBiosName: string };
}

const COMPANIES: readonly (readonly [name: string, label: string, acquired: string, acquiredLabel: string])[] = [
  ["Aldermere Instruments", "aldermere", "Bruckner Optik", "bruckner-optik"],
  ["Halvorsen Brandt", "halvorsenbrandt", "Castellani Pompe", "castellani-pompe"],
  ["Northvale Precision", "northvale", "Duval Mesure", "duval-mesure"],
  ["Kestrel Marine Systems", "kestrelmarine", "Oosterhuis Hydraulics", "oosterhuis"],
];

/** The company of a seed. A series other than 0 makes its domains differ from those of others of the same name. */
export function companyOf(seed: number, series = 0): Company {
  const index = Math.abs(Math.trunc(seed)) % COMPANIES.length;
  const [name, base, acquired, acquiredBase] = COMPANIES[index] ?? ["Aldermere Instruments", "aldermere", "", ""];
  const [label, acquiredLabel] =
    series === 0 ? [base, acquiredBase] : [`${base}${series + 1}`, `${acquiredBase}${series + 1}`];
  return {
    name,
    domain: `${label}.example`,
    initialDomain: `${label}.onmicrosoft.com`,
    acquired: { name: acquired, domain: `${acquiredLabel}.example` },
    forest: { dnsName: `corp.${label}.example`, netBiosName: label.toUpperCase().slice(0, 15) },
  };
}

/** Firms whose people are guests. */
export const PARTNERS: readonly (readonly [name: string, domain: string])[] = [
  ["Tern & Wolcott", "ternwolcott.example"],
  ["Nordhafen Logistik", "nordhafen-logistik.example"],
  ["Lumen Audit Partners", "lumen-audit.example"],
  ["Vega Ingeniería", "vega-ingenieria.example"],
  ["Kumo Systems", "kumo-systems.example"],
  ["Papillon Design", "papillon-design.example"],
  ["Redbarn Staffing", "redbarn-staffing.example"],
];

const site = (
  place: readonly [code: string, city: string, country: string, countryCode: string, region: Site["region"]],
  address: readonly [street: string, postalCode: string, state?: string],
  local: readonly [language: string, phone: string, mobile: string, entity: string],
  origins: Site["origins"],
): Site => ({
  code: place[0],
  city: place[1],
  country: place[2],
  countryCode: place[3],
  region: place[4],
  street: address[0],
  postalCode: address[1],
  ...(address[2] === undefined ? {} : { state: address[2] }),
  language: local[0],
  phone: local[1],
  mobile: local[2],
  entity: local[3],
  origins,
});

/** In the order in which a growing company opens them; the first is the head office. */
export function listSites(): readonly Site[] {
  return [
    site(["HAM", "Hamburg", "Germany", "DE", "EMEA"], ["Versmannstraße 42", "20457", "Hamburg"], ["de-DE", "+49 40 66969 ####", "+49 171 555####", "GmbH"], { de: 70, tr: 9, pl: 6, en: 4, uk: 3, ar: 3, it: 3, vi: 2 }),
    site(["BOS", "Boston", "United States", "US", "Americas"], ["280 Summer Street", "02210", "MA"], ["en-US", "+1 617 555 ####", "+1 857 555 ####", "Inc."], { en: 62, es: 10, in: 9, zh: 7, ie: 5, ko: 3, it: 4 }),
    site(["PAR", "Paris", "France", "FR", "EMEA"], ["18 rue de Châteaudun", "75009", "Île-de-France"], ["fr-FR", "+33 1 99 00 ## ##", "+33 6 39 98 ## ##", "SAS"], { fr: 78, ar: 9, pt: 5, vi: 3, es: 3, en: 2 }),
    site(["TYO", "Tokyo", "Japan", "JP", "APAC"], ["2-11-3 Meguro, Meguro-ku", "153-0063", "Tokyo"], ["ja-JP", "+81 3 5550 ####", "+81 90 5550 ####", "K.K."], { ja: 90, zh: 4, ko: 3, en: 3 }),
    site(["LON", "London", "United Kingdom", "GB", "EMEA"], ["61 Southwark Street", "SE1 0HL"], ["en-GB", "+44 20 7946 0###", "+44 7700 900###", "Ltd"], { en: 62, in: 11, pl: 5, ng: 6, ie: 5, ro: 4, el: 3, it: 4 }),
    site(["BLR", "Bengaluru", "India", "IN", "APAC"], ["14 Residency Road", "560025", "Karnataka"], ["en-IN", "+91 80 5550 ####", "+91 98450 5####", "Pvt. Ltd."], { in: 98, en: 2 }),
    site(["TLV", "Tel Aviv", "Israel", "IL", "EMEA"], ["7 HaBarzel Street", "6971011"], ["he-IL", "+972 3 555 ####", "+972 50 555 ####", "Ltd"], { he: 84, ar: 8, uk: 5, en: 3 }),
    site(["DUB", "Dublin", "Ireland", "IE", "EMEA"], ["9 Hanover Quay", "D02 F838"], ["en-IE", "+353 1 555 ####", "+353 85 555 ####", "Ltd"], { ie: 66, en: 14, pl: 8, pt: 5, in: 7 }),
    site(["DXB", "Dubai", "United Arab Emirates", "AE", "EMEA"], ["Office 1204, Al Saqr Tower", "121828"], ["ar-AE", "+971 4 555 ####", "+971 50 555 ####", "FZ-LLC"], { ar: 58, in: 30, en: 8, el: 4 }),
    site(["SHA", "Shanghai", "China", "CN", "APAC"], ["88 Century Avenue, Pudong", "200120", "Shanghai"], ["zh-CN", "+86 21 5550 ####", "+86 139 1555 ####", "Co., Ltd."], { zh: 95, en: 3, de: 2 }),
    site(["MIL", "Milano", "Italy", "IT", "EMEA"], ["Via Tortona 33", "20144", "MI"], ["it-IT", "+39 02 5550 ####", "+39 333 555 ####", "S.r.l."], { it: 92, ro: 4, ar: 4 }),
    site(["WAW", "Warszawa", "Poland", "PL", "EMEA"], ["ul. Prosta 51", "00-838", "Mazowieckie"], ["pl-PL", "+48 22 555 ## ##", "+48 501 555 ###", "Sp. z o.o."], { pl: 88, uk: 11, vi: 1 }),
    site(["STO", "Stockholm", "Sweden", "SE", "EMEA"], ["Sveavägen 44", "111 34"], ["sv-SE", "+46 8 555 ### ##", "+46 70 555 ## ##", "AB"], { sv: 80, fi: 8, ar: 7, is: 3, en: 2 }),
    site(["MAD", "Madrid", "Spain", "ES", "EMEA"], ["Calle de Alcalá 96", "28009", "Madrid"], ["es-ES", "+34 91 555 ## ##", "+34 600 555 ###", "S.L."], { es: 93, ro: 4, ar: 3 }),
    site(["SEL", "Seoul", "South Korea", "KR", "APAC"], ["152 Teheran-ro, Gangnam-gu", "06236", "Seoul"], ["ko-KR", "+82 2 555 ####", "+82 10 5550 ####", "Co., Ltd."], { ko: 97, en: 3 }),
    site(["PRG", "Praha", "Czechia", "CZ", "EMEA"], ["Karolinská 661/4", "186 00"], ["cs-CZ", "+420 255 550 ###", "+420 601 555 ###", "s.r.o."], { cs: 88, uk: 8, vi: 4 }),
    site(["IST", "İstanbul", "Türkiye", "TR", "EMEA"], ["Büyükdere Caddesi 127", "34394"], ["tr-TR", "+90 212 555 ## ##", "+90 532 555 ## ##", "A.Ş."], { tr: 98, de: 2 }),
    site(["JKT", "Jakarta", "Indonesia", "ID", "APAC"], ["Jalan Jenderal Sudirman 52", "12190"], ["id-ID", "+62 21 555 ####", "+62 812 555 ####", "PT"], { id: 95, zh: 5 }),
    site(["AMS", "Amsterdam", "Netherlands", "NL", "EMEA"], ["Danzigerkade 16", "1013 AP", "Noord-Holland"], ["nl-NL", "+31 20 555 ####", "+31 6 5555 ####", "B.V."], { nl: 80, tr: 7, ar: 5, en: 5, id: 3 }),
    site(["LIS", "Lisboa", "Portugal", "PT", "EMEA"], ["Avenida da Liberdade 110", "1250-146"], ["pt-PT", "+351 21 555 ####", "+351 91 555 ####", "Lda."], { pt: 97, en: 3 }),
    site(["KBH", "København", "Denmark", "DK", "EMEA"], ["Kalvebod Brygge 39", "1560"], ["da-DK", "+45 55 50 ## ##", "+45 20 55 ## ##", "A/S"], { da: 90, sv: 6, is: 2, tr: 2 }),
    site(["OSL", "Oslo", "Norway", "NO", "EMEA"], ["Dronning Eufemias gate 16", "0191"], ["nb-NO", "+47 21 55 ## ##", "+47 905 55 ###", "AS"], { nb: 90, sv: 6, pl: 4 }),
    site(["HEL", "Helsinki", "Finland", "FI", "EMEA"], ["Mannerheimintie 12 B", "00100"], ["fi-FI", "+358 9 555 ####", "+358 40 555 ####", "Oy"], { fi: 90, sv: 10 }),
    site(["BUD", "Budapest", "Hungary", "HU", "EMEA"], ["Váci út 76", "1133"], ["hu-HU", "+36 1 555 ####", "+36 20 555 ####", "Kft."], { hu: 96, ro: 4 }),
    site(["CAI", "Cairo", "Egypt", "EG", "EMEA"], ["12 El Tahrir Street, Dokki", "12611"], ["ar-EG", "+20 2 2555 ####", "+20 100 555 ####", "LLC"], { ar: 98, el: 2 }),
    site(["SGN", "Hồ Chí Minh City", "Vietnam", "VN", "APAC"], ["72 Lê Thánh Tôn", "700000"], ["vi-VN", "+84 28 5550 ####", "+84 90 555 ####", "Co., Ltd."], { vi: 97, zh: 3 }),
    site(["KYI", "Kyiv", "Ukraine", "UA", "EMEA"], ["vul. Velyka Vasylkivska 72", "03150"], ["uk-UA", "+380 44 555 ## ##", "+380 50 555 ## ##", "TOV"], { uk: 100 }),
    site(["ATH", "Athens", "Greece", "GR", "EMEA"], ["Leoforos Kifisias 44", "151 25"], ["el-GR", "+30 210 555 ####", "+30 694 555 ####", "M.E.P.E."], { el: 100 }),
    site(["BKK", "Bangkok", "Thailand", "TH", "APAC"], ["388 Sukhumvit Road, Khlong Toei", "10110"], ["th-TH", "+66 2 555 ####", "+66 81 555 ####", "Co., Ltd."], { th: 97, en: 3 }),
    site(["AUS", "Austin", "United States", "US", "Americas"], ["600 Congress Avenue", "78701", "TX"], ["en-US", "+1 512 555 ####", "+1 737 555 ####", "Inc."], { en: 64, es: 22, in: 8, vi: 4, ng: 2 }),
  ]; // biome-ignore format: one site a line
}

const department = (
  name: string,
  short: string,
  weight: number,
  chief: string,
  ladder: readonly [head: string, director: string, manager: string, lead: string],
  roles: readonly string[],
): Department => ({
  name,
  short,
  weight,
  chief,
  head: ladder[0],
  director: ladder[1],
  manager: ladder[2],
  lead: ladder[3],
  roles,
});

/** In the order in which a growing company needs them. */
export function listDepartments(): readonly Department[] {
  return [
    department("Engineering", "ENG", 20, "Chief Technology Officer", ["Vice President Engineering", "Director of Engineering", "Engineering Manager", "Lead Engineer"], ["Mechanical Engineer", "Software Engineer", "Senior Software Engineer", "Electronics Engineer", "Test Engineer", "Systems Engineer", "Senior Mechanical Engineer", "Firmware Engineer", "Technical Writer"]),
    department("Manufacturing", "MFG", 19, "Chief Operating Officer", ["Vice President Manufacturing", "Plant Director", "Production Manager", "Shift Supervisor"], ["Machine Operator", "Assembly Technician", "CNC Machinist", "Maintenance Technician", "Production Planner", "Tool Setter"]),
    department("Sales", "SAL", 14, "Chief Commercial Officer", ["Vice President Sales", "Regional Sales Director", "Sales Manager", "Key Account Lead"], ["Account Manager", "Account Executive", "Inside Sales Representative", "Sales Engineer", "Sales Operations Analyst", "Business Development Representative"]),
    department("Finance", "FIN", 6, "Chief Financial Officer", ["Vice President Finance", "Finance Director", "Finance Manager", "Accounting Team Lead"], ["Accountant", "Senior Accountant", "Controller", "Accounts Payable Clerk", "Financial Analyst", "Payroll Specialist", "Treasury Analyst"]),
    department("Customer Support", "SUP", 11, "Chief Commercial Officer", ["Head of Customer Support", "Support Director", "Support Manager", "Support Team Lead"], ["Support Specialist", "Senior Support Specialist", "Field Service Engineer", "Technical Support Engineer", "Customer Success Manager"]),
    department("People & Culture", "HR", 3, "Chief People Officer", ["Head of People & Culture", "People Director", "People Manager", "Recruiting Lead"], ["HR Business Partner", "Recruiter", "People Operations Specialist", "Learning & Development Specialist", "Compensation Analyst"]),
    department("Information Technology", "IT", 5, "Chief Technology Officer", ["Head of IT", "IT Director", "IT Manager", "Service Desk Lead"], ["Systems Administrator", "Service Desk Agent", "Network Engineer", "Identity Engineer", "Security Analyst", "ERP Consultant", "Database Administrator"]),
    department("Marketing", "MKT", 4, "Chief Commercial Officer", ["Vice President Marketing", "Marketing Director", "Marketing Manager", "Content Lead"], ["Product Marketing Manager", "Content Specialist", "Graphic Designer", "Event Coordinator", "Digital Marketing Specialist"]),
    department("Logistics", "LOG", 6, "Chief Operating Officer", ["Head of Logistics", "Supply Chain Director", "Warehouse Manager", "Warehouse Supervisor"], ["Warehouse Operative", "Forklift Operator", "Shipping Coordinator", "Customs Specialist", "Demand Planner"]),
    department("Quality", "QUA", 4, "Chief Operating Officer", ["Head of Quality", "Quality Director", "Quality Manager", "Quality Team Lead"], ["Quality Engineer", "Quality Inspector", "Metrology Technician", "Regulatory Affairs Specialist"]),
    department("Procurement", "PRO", 3, "Chief Financial Officer", ["Head of Procurement", "Procurement Director", "Procurement Manager", "Category Lead"], ["Buyer", "Senior Buyer", "Strategic Buyer", "Supplier Quality Engineer"]),
    department("Research", "RES", 3, "Chief Technology Officer", ["Head of Research", "Research Director", "Research Manager", "Principal Scientist"], ["Research Scientist", "Optical Physicist", "Data Scientist", "Laboratory Technician"]),
    department("Legal", "LEG", 1, "Chief Financial Officer", ["General Counsel", "Legal Director", "Senior Counsel", "Contracts Lead"], ["Legal Counsel", "Paralegal", "Contract Manager", "Data Protection Officer", "Compliance Analyst"]),
    department("Facilities", "FAC", 1, "Chief Operating Officer", ["Head of Facilities", "Facilities Director", "Facilities Manager", "Reception Lead"], ["Facilities Coordinator", "Receptionist", "Building Technician", "Health & Safety Officer"]),
  ]; // biome-ignore format: one department a line
}
