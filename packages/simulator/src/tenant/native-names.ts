/** One origin's names: `written:latin` pairs separated by spaces; a Latin-script name stands alone; `_` is a space. */
export interface NativeNames {
  readonly female: string;
  readonly male: string;
  readonly surnames: string;
}

/**
 * Names with the Latin spelling that their bearers commonly use, because no letter table can tell 陈 (Chen) or كريم
 * (Karim). Common names of each country, so that the people look like a company and not like a dictionary.
 */
export const NATIVE_NAMES: Readonly<Record<string, NativeNames>> = {
  zh: {
    female:
      "秀英:Xiuying 敏:Min 静:Jing 丽:Li 娟:Juan 艳:Yan 芳:Fang 婷:Ting 雪:Xue 梅:Mei 玲:Ling 晓燕:Xiaoyan 雨桐:Yutong 欣怡:Xinyi 梓涵:Zihan 思雨:Siyu 佳慧:Jiahui 美玲:Meiling 诗涵:Shihan 晓红:Xiaohong",
    male: "伟:Wei 强:Qiang 磊:Lei 洋:Yang 勇:Yong 军:Jun 杰:Jie 涛:Tao 明:Ming 超:Chao 刚:Gang 浩然:Haoran 志强:Zhiqiang 建国:Jianguo 宇轩:Yuxuan 子轩:Zixuan 俊杰:Junjie 文博:Wenbo 天宇:Tianyu 国华:Guohua",
    surnames:
      "王:Wang 李:Li 张:Zhang 刘:Liu 陈:Chen 杨:Yang 赵:Zhao 黄:Huang 周:Zhou 吴:Wu 徐:Xu 孙:Sun 胡:Hu 朱:Zhu 高:Gao 林:Lin 何:He 郭:Guo 马:Ma 罗:Luo 梁:Liang 宋:Song 郑:Zheng 谢:Xie 韩:Han 唐:Tang 冯:Feng 于:Yu 董:Dong 吕:Lü 欧阳:Ouyang",
  },
  ja: {
    female:
      "陽子:Yoko 恵子:Keiko 由美子:Yumiko 美咲:Misaki 葵:Aoi 結衣:Yui さくら:Sakura 七海:Nanami 愛:Ai 真由美:Mayumi 久美子:Kumiko 彩:Aya 優子:Yuko 直美:Naomi 千尋:Chihiro",
    male: "誠:Makoto 翔太:Shota 健太:Kenta 大輔:Daisuke 拓也:Takuya 直樹:Naoki 健一:Kenichi 浩:Hiroshi 隆:Takashi 達也:Tatsuya 蓮:Ren 悠斗:Yuto 翼:Tsubasa 亮:Ryo 太郎:Taro",
    surnames:
      "佐藤:Sato 鈴木:Suzuki 高橋:Takahashi 田中:Tanaka 伊藤:Ito 渡辺:Watanabe 山本:Yamamoto 中村:Nakamura 小林:Kobayashi 加藤:Kato 吉田:Yoshida 山田:Yamada 佐々木:Sasaki 山口:Yamaguchi 松本:Matsumoto 井上:Inoue 木村:Kimura 林:Hayashi 清水:Shimizu 斎藤:Saito 阿部:Abe 森:Mori 池田:Ikeda 橋本:Hashimoto 石川:Ishikawa 前田:Maeda 藤田:Fujita 後藤:Goto 岡田:Okada 長谷川:Hasegawa",
  },
  ko: {
    female:
      "서연:Seoyeon 지우:Jiwoo 민지:Minji 수빈:Subin 지은:Jieun 유진:Yujin 혜진:Hyejin 은지:Eunji 하은:Haeun 미영:Miyoung 소영:Soyoung 예린:Yerin",
    male: "민준:Minjun 서준:Seojun 도윤:Doyun 지훈:Jihoon 현우:Hyunwoo 성민:Sungmin 준호:Junho 동현:Donghyun 영수:Youngsoo 상훈:Sanghoon 재현:Jaehyun 태윤:Taeyoon",
    surnames:
      "김:Kim 이:Lee 박:Park 최:Choi 정:Jung 강:Kang 조:Cho 윤:Yoon 장:Jang 임:Lim 한:Han 오:Oh 서:Seo 신:Shin 권:Kwon 황:Hwang 안:Ahn 송:Song 남궁:Namgung",
  },
  ar: {
    female:
      "فاطمة:Fatima مريم:Maryam عائشة:Aisha نور:Nour ليلى:Layla هدى:Huda سارة:Sara زينب:Zainab ريم:Reem منى:Mona دينا:Dina سلمى:Salma هالة:Hala رانيا:Rania ياسمين:Yasmin",
    male: "محمد:Mohammed أحمد:Ahmed علي:Ali عمر:Omar خالد:Khaled حسن:Hassan يوسف:Youssef كريم:Karim طارق:Tariq سامي:Sami مصطفى:Mustafa عبد_الله:Abdullah إبراهيم:Ibrahim فيصل:Faisal رامي:Rami",
    surnames:
      "العلي:Al-Ali الحسن:Al-Hassan المصري:Al-Masri الخطيب:Al-Khatib النجار:Al-Najjar حداد:Haddad خوري:Khoury منصور:Mansour سليمان:Suleiman إبراهيم:Ibrahim الشريف:Al-Sharif العمري:Al-Omari القحطاني:Al-Qahtani الزهراني:Al-Zahrani بن_سعيد:Bin_Saeed الفاسي:El_Fassi بركات:Barakat عثمان:Othman يوسف:Youssef صالح:Saleh",
  },
  he: {
    female:
      "נועה:Noa תמר:Tamar שירה:Shira מאיה:Maya יעל:Yael אסתר:Esther רבקה:Rivka מיכל:Michal ענת:Anat הילה:Hila רותם:Rotem ליאת:Liat",
    male: "יוסף:Yosef דוד:David אריאל:Ariel נועם:Noam איתן:Eitan אורי:Uri יונתן:Yonatan עומר:Omer משה:Moshe גיא:Guy רון:Ron אמיר:Amir",
    surnames:
      "כהן:Cohen לוי:Levi מזרחי:Mizrahi פרץ:Peretz ביטון:Biton דהן:Dahan אברהם:Avraham פרידמן:Friedman מלכה:Malka אזולאי:Azoulay כץ:Katz עמר:Amar אוחיון:Ohayon חדד:Hadad גבאי:Gabay בן_דוד:Ben_David אדרי:Edri לוין:Levin",
  },
  uk: {
    female:
      "Олена:Olena Наталія:Nataliia Оксана:Oksana Ірина:Iryna Тетяна:Tetiana Світлана:Svitlana Юлія:Yuliia Катерина:Kateryna Анна:Anna Марія:Mariia Дарина:Daryna Людмила:Liudmyla",
    male: "Олександр:Oleksandr Сергій:Serhii Андрій:Andrii Володимир:Volodymyr Микола:Mykola Іван:Ivan Дмитро:Dmytro Максим:Maksym Тарас:Taras Богдан:Bohdan Юрій:Yurii",
    surnames:
      "Шевченко:Shevchenko Коваленко:Kovalenko Бондаренко:Bondarenko Ткаченко:Tkachenko Кравченко:Kravchenko Олійник:Oliinyk Шевчук:Shevchuk Коваль:Koval Поліщук:Polishchuk Бондар:Bondar Мельник:Melnyk Мороз:Moroz Марченко:Marchenko Лисенко:Lysenko Савченко:Savchenko Руденко:Rudenko Петренко:Petrenko Гнатюк:Hnatiuk",
  },
  el: {
    female:
      "Μαρία:Maria Ελένη:Eleni Κατερίνα:Katerina Βασιλική:Vasiliki Σοφία:Sofia Αγγελική:Angeliki Γεωργία:Georgia Δήμητρα:Dimitra Ιωάννα:Ioanna Χριστίνα:Christina",
    male: "Γιώργος:Giorgos Δημήτρης:Dimitris Κώστας:Kostas Γιάννης:Giannis Νίκος:Nikos Χρήστος:Christos Παναγιώτης:Panagiotis Βασίλης:Vasilis Θανάσης:Thanasis Μιχάλης:Michalis",
    surnames:
      "Γεωργίου:Georgiou Δημητρίου:Dimitriou Ιωάννου:Ioannou Νικολάου:Nikolaou Χριστοδούλου:Christodoulou Αντωνίου:Antoniou Βασιλείου:Vasileiou Παπαδημητρίου:Papadimitriou Παπαϊωάννου:Papaioannou Κωνσταντίνου:Konstantinou Αθανασίου:Athanasiou Οικονόμου:Oikonomou",
  },
  th: {
    female: "มาลี:Malee อรทัย:Orathai นภา:Napha สุดา:Suda พิมพ์:Pim กัญญา:Kanya รัตนา:Rattana ศิริพร:Siriporn",
    male: "สมชาย:Somchai สมศักดิ์:Somsak วิชัย:Wichai ประเสริฐ:Prasert อนันต์:Anan ธนา:Thana กิตติ:Kitti ณัฐ:Nat",
    surnames:
      "ใจดี:Jaidee ศรีสุข:Srisuk แสงทอง:Saengthong วงศ์สวัสดิ์:Wongsawat บุญมี:Boonmee ทองดี:Thongdee สุวรรณ:Suwan ชัยวัฒน์:Chaiwat รัตนกุล:Rattanakul พงษ์ไพบูลย์:Phongphaiboon",
  },
  en: {
    female:
      "Emily Olivia Charlotte Amelia Grace Hannah Sophie Lucy Jessica Laura Rachel Sarah Rebecca Megan Katie Natalie Victoria Claire Helen Susan Karen Linda Patricia Jennifer Elizabeth Michelle Stephanie Nicole Heather Danielle Alice Eleanor Harriet Imogen Zoe Abigail Chloe Ruth Joanna Philippa Andrea Monica Teresa Denise Brenda Tanya Sheila Yvonne Jacqueline Mary-Ann",
    male: "James Oliver William Thomas Henry George Jack Daniel Matthew Andrew Christopher Michael David Robert John Richard Stephen Mark Paul Peter Simon Edward Charles Benjamin Samuel Alexander Joshua Nathan Ryan Adam Kevin Brian Gary Keith Timothy Scott Eric Gregory Patrick Sean Luke Jonathan Nicholas Martin Graham Ian Neil Stuart Marcus Darren",
    surnames:
      "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall Wood Jackson Clarke Clark Harris Lewis Martin Turner Hill Cooper Ward Morris Moore Baker Harrison King Morgan Allen Parker Bennett Scott Phillips Watson Price Griffiths Young Mitchell Cook Bell Campbell Anderson Stewart Murray Reid Graham Hughes Foster Russell Butler Barnes Fisher Knight Matthews Palmer Stevens Webb Hunt Gibson Mason Dixon Chapman Ellis Shaw Hamilton Grant Ferguson Crawford Nelson Carter Hayes Sullivan Brooks Reynolds Washington Jefferson Bryant Coleman Simmons Patterson Alexander Freeman Wells Tucker Hicks Boyd Dunn Holloway Pemberton Ashworth Whitfield Featherstone Llewellyn",
  },
  ie: {
    female: "Aoife Niamh Ciara Saoirse Siobhán Sinéad Gráinne Róisín Orla Maeve Fionnuala Caoimhe Deirdre Bríd Áine",
    male: "Seán Conor Cian Oisín Pádraig Eoin Liam Declan Ciarán Fergus Niall Ruairí Colm Diarmuid Tadhg",
    surnames:
      "O'Brien O'Connor O'Sullivan O'Neill O'Reilly O'Donnell O'Keeffe D'Arcy Murphy Kelly Byrne Ryan Walsh Doyle McCarthy Gallagher Kennedy Lynch Quinn McLoughlin Nolan Fitzgerald Ní_Dhomhnaill Mac_Giolla_Phádraig",
  },
  in: {
    female:
      "Priya Ananya Kavya Deepika Aishwarya Sneha Pooja Divya Neha Shreya Lakshmi Meera Nandini Swathi Anjali Sunita Rekha Radhika Isha Tanvi",
    male: "Rahul Arjun Rohan Vikram Aditya Karthik Suresh Rajesh Amit Sanjay Anil Manoj Venkatesh Harish Nikhil Pranav Siddharth Ravi Ganesh Ashwin",
    surnames:
      "Sharma Patel Reddy Iyer Nair Gupta Kumar Singh Rao Menon Krishnan Subramaniam Venkataraman Mukherjee Chatterjee Banerjee Joshi Desai Kulkarni Hegde Shetty Pillai Mehta Agarwal Bhat Gowda Chakraborty Naidu Mishra D'Souza",
  },
  ng: {
    female: "Ngozi Adaeze Chioma Funmilayo Aisha Yetunde Ifeoma Bolanle Amaka Halima Temitope",
    male: "Emeka Chukwuemeka Oluwaseun Tunde Ibrahim Chinedu Babatunde Obinna Musa Olumide Kelechi",
    surnames:
      "Okafor Adeyemi Okonkwo Balogun Eze Nwosu Adebayo Bello Obi Ogunleye Abubakar Onyekachi Olawale Danjuma Ẹlẹ́gbẹ́",
  },
  id: {
    female: "Sulastri Wahyuni Mulyani Ningsih Suryani Kartini Lestari Rahmawati Sumarni Yuliana",
    male: "Suryadi Budiman Slamet Sutrisno Hartono Prasetyo Mulyadi Sugiarto Supriyanto Kusnadi",
    surnames: "",
  },
  is: {
    female: "Guðrún Sigríður Kristín Margrét Þórunn Ragnheiður Björk Halldóra Áslaug",
    male: "Jón Sigurður Guðmundur Gunnar Ólafur Þór Einar Kjartan Ævar",
    surnames: "Blöndal Thorlacius Briem Hafstein Þorsteinsson/Þorsteinsdóttir Jónsson/Jónsdóttir Ólafsson/Ólafsdóttir",
  },
};

/**
 * Names that are met far more often than the rest of their language's list, without which a company looks drawn from a
 * register of rarities.
 */
export const COMMON_NAMES: Readonly<Record<string, NativeNames>> = {
  de: {
    female:
      "Anna Julia Laura Sabine Petra Claudia Katharina Christina Sandra Nicole Stefanie Lena Lisa Sarah Susanne Monika Andrea Martina Birgit Heike Franziska Johanna Marie Jana Melanie Nadine Ulrike Anke Silke Jutta",
    male: "Thomas Michael Andreas Stefan Christian Markus Martin Daniel Jan Alexander Sebastian Matthias Jürgen Klaus Frank Jörg Uwe Tobias Florian Philipp Lukas Jonas Felix Maximilian Torsten Holger Björn Dirk Ralf Sven",
    surnames:
      "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier Lehmann Köhler Herrmann König Walter Peters Kaiser Möller Weiß Jansen Hansen Petersen Carstens Groß Vogel Friedrich Günther Böhm Winkler Lorenz Jung Hahn Brandt Busch Kühn Voß",
  },
  fr: {
    female:
      "Marie Nathalie Isabelle Sophie Camille Léa Chloé Céline Aurélie Émilie Hélène Françoise Anne-Laure Élodie Mathilde Manon Sandrine",
    male: "Jean Pierre Nicolas Julien Thomas Antoine François Olivier Sébastien Jérôme Mathieu Guillaume Jean-Pierre Benoît Frédéric Rémi Étienne",
    surnames:
      "Martin Bernard Dubois Durand Moreau Laurent Lefèvre Michel Garcia Leroy Roux Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Mercier Lefebvre Béranger Garçon",
  },
  it: {
    female: "Giulia Chiara Francesca Sara Martina Elena Alessia Valentina Federica Silvia Paola Laura Giorgia Elisa",
    male: "Marco Andrea Francesco Matteo Lorenzo Alessandro Luca Davide Giuseppe Stefano Roberto Simone Federico Paolo Niccolò",
    surnames:
      "Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti De_Luca Costa Giordano Mancini Rizzo D'Angelo Dell'Acqua Nicolò",
  },
  tr: {
    female: "Ayşe Fatma Zeynep Elif Merve Büşra Esra Hatice Özlem Gülşen Selin Derya",
    male: "Mehmet Mustafa Ahmet Ali Hüseyin Emre Murat Burak Çağrı Oğuz İbrahim Serkan Özgür",
    surnames:
      "Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin Koç Kurt Güneş",
  },
};

/** Names longer than most forms expect, each within Entra's 64 characters for givenName and for surname. */
export const LONG_NAMES: readonly (readonly [given: string, surname: string])[] = [
  ["Maria Francisca Isabel Leopoldina", "de Bragança e Albuquerque Vasconcelos de Almeida Montenegro"],
  ["Karl-Friedrich Maximilian Leopold", "Freiherr von und zu Hohenberg-Wallerstein auf Lichtenfels"],
  ["Wolfeschlegelsteinhausenberger", "Keihanaikukauakahihuliheekahaunaele"],
  ["Venkatanarasimharajuvaripeta", "Srinivasa Raghavendra Chakravarthula Subrahmanyam"],
  ["Pablo Diego José Francisco de Paula", "Juan Nepomuceno Cipriano de la Santísima Trinidad Ruiz"],
];
