BEGIN TRANSACTION;
CREATE TABLE balances (
        account TEXT NOT NULL PRIMARY KEY,
        amount INTEGER NOT NULL,
        CHECK (amount >= 0 OR account = 'mint')
    ) STRICT;
INSERT INTO "balances" VALUES('mint',-1001500000000);
INSERT INTO "balances" VALUES('stake:phone-0',500000007);
INSERT INTO "balances" VALUES('operator',999999994988);
INSERT INTO "balances" VALUES('phone:phone-0',1226);
INSERT INTO "balances" VALUES('phone:phone-1',1840);
INSERT INTO "balances" VALUES('phone:phone-2',1840);
INSERT INTO "balances" VALUES('stake:phone-1',400000000);
INSERT INTO "balances" VALUES('stake:phone-2',0);
INSERT INTO "balances" VALUES('treasury',600000099);
CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        size INTEGER NOT NULL CHECK (size > 0),
        last_hash BLOB NOT NULL CHECK (length(last_hash) = 32),
        root BLOB NOT NULL CHECK (length(root) = 32),
        signature BLOB NOT NULL CHECK (length(signature) = 64)
    ) STRICT;
INSERT INTO "head" VALUES(1,28,X'61A07D8795808F51D20B02072898900ABF9B0AEE2DF902878F8D4832E445820C',X'53346AD42B672E6F5886EB5CBFE182425F39AB18BF2772DDEF82AA2063506E93',X'98A2C4CDE431FD0387AF483214D215FF228A83BA1CC33C4213D15851AC77BB880826B90D636AAEA13D9AA5D18390BD09392EB6017CE35F34F8BA91493F9D4605');
CREATE TABLE journal (
        sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
        wall_ms INTEGER NOT NULL CHECK (wall_ms >= 0),
        kind TEXT NOT NULL,
        body TEXT NOT NULL,
        previous_hash BLOB NOT NULL CHECK (length(previous_hash) = 32),
        entry_hash BLOB NOT NULL UNIQUE CHECK (length(entry_hash) = 32)
    ) STRICT;
INSERT INTO "journal" VALUES(1,1800000000000,'genesis','{"format":1,"host_key":"7c05045a721daad952b6390cca5701be0ffeb441270052ede1be9b70ae4a731e"}',X'0000000000000000000000000000000000000000000000000000000000000000',X'F2BFA3DB8B9E1C36639E93FE803BEEBE78A803993E18C98248DB603D62A562F3');
INSERT INTO "journal" VALUES(2,1800000000000,'phone-registered','{"numerical_class":"class","public_key":"b1769a6a4cda7e429bee1e27a71ca1ec82bb4006fb7d05f46b6ae9975315fffa","serial":"phone-0","stake":"500000000"}',X'F2BFA3DB8B9E1C36639E93FE803BEEBE78A803993E18C98248DB603D62A562F3',X'C8F3D34707977FCD4CFDD8F96DD392E2D9E3D84A7A72CF8C6B44F5F76231038F');
INSERT INTO "journal" VALUES(3,1800000000000,'phone-registered','{"numerical_class":"class","public_key":"1806c3b0281881056e92acb5ed3a2caed9c92370b9a97f101ad74a1d89864329","serial":"phone-1","stake":"500000000"}',X'C8F3D34707977FCD4CFDD8F96DD392E2D9E3D84A7A72CF8C6B44F5F76231038F',X'1CD0DB9266900DDBCD5AA7638E86797036A3C980FCDAD89C7CE17A764B2138C6');
INSERT INTO "journal" VALUES(4,1800000000000,'phone-registered','{"numerical_class":"class","public_key":"74a5a3caa65149be7718d24fc58ac6ccf9ac9faf12eee77fe904527b80b1abd9","serial":"phone-2","stake":"500000000"}',X'1CD0DB9266900DDBCD5AA7638E86797036A3C980FCDAD89C7CE17A764B2138C6',X'0E99E4BCD028CD7A733F3F68AEDFE7AB2D5A403B82F7A8110F7BB3D79054FFDB');
INSERT INTO "journal" VALUES(5,1800000000000,'phone-changed','{"numerical_class":"another class","public_key":"b1769a6a4cda7e429bee1e27a71ca1ec82bb4006fb7d05f46b6ae9975315fffa","serial":"phone-0"}',X'0E99E4BCD028CD7A733F3F68AEDFE7AB2D5A403B82F7A8110F7BB3D79054FFDB',X'914138C1866E191880CEDC4C770636C2FC3A19C2707F35A384914F8E62EB21C8');
INSERT INTO "journal" VALUES(6,1800000000000,'stake-added','{"amount":"7","serial":"phone-0"}',X'914138C1866E191880CEDC4C770636C2FC3A19C2707F35A384914F8E62EB21C8',X'A42784059A8188E4CDE96B2182522AE4009B300198CE2A2310437C796113FB18');
INSERT INTO "journal" VALUES(7,1800000000000,'epoch-opened','{"commitment":"79436e0d376644c704897c62507caf7a663cfbed2f24b1f6b62662acbfb3aff7","epoch":1}',X'A42784059A8188E4CDE96B2182522AE4009B300198CE2A2310437C796113FB18',X'10C10B18BCCFD53BCC85B9A1DDD3A24BA64D2511B45E3435F93AAACFB9ADC59E');
INSERT INTO "journal" VALUES(8,1800000000000,'transaction-opened','{"model":"demo","price_per_token":"1001","request":"request","stages":[{"first_layer":0,"last_layer":1,"serial":"phone-0"},{"first_layer":2,"last_layer":4,"serial":"phone-1"},{"first_layer":5,"last_layer":7,"serial":"phone-2"}],"transaction":"good"}',X'10C10B18BCCFD53BCC85B9A1DDD3A24BA64D2511B45E3435F93AAACFB9ADC59E',X'1E2C3F8A0885F8630B45C5DA5DBD9E890B34EE339F92EF364AFE48F1C2AC4C7D');
INSERT INTO "journal" VALUES(9,1800000000000,'receipt','{"data":"{\"first_layer\":0,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"last_layer\":1,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"sequence\":1,\"serial\":\"phone-0\",\"span\":\"span\",\"stage\":0,\"steps\":3,\"tokens\":9,\"transaction\":\"good\"}","public_key":"b1769a6a4cda7e429bee1e27a71ca1ec82bb4006fb7d05f46b6ae9975315fffa","signature":"79bedd595c53681b565d6caf266d2b8a1af04a9b36b2ebfae03866f2698cc21007598ba4916a5ac97e3d84aa5ed3f07abc0cda7b80c6feea6dc49da8a5351b0b","stage":0,"transaction":"good"}',X'1E2C3F8A0885F8630B45C5DA5DBD9E890B34EE339F92EF364AFE48F1C2AC4C7D',X'8335BDF0C63DF8D2BA82CB84453279AEECF934571F454A2327913000CFB359A0');
INSERT INTO "journal" VALUES(10,1800000000000,'receipt','{"data":"{\"first_layer\":2,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"last_layer\":4,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"sequence\":1,\"serial\":\"phone-1\",\"span\":\"span\",\"stage\":1,\"steps\":3,\"tokens\":9,\"transaction\":\"good\"}","public_key":"1806c3b0281881056e92acb5ed3a2caed9c92370b9a97f101ad74a1d89864329","signature":"fd4d42b9fbdc9b8f849366251c2c3a7b5f2355ef1fd309b21e6703e254b43a2f75fca4fe27bb0c397fc5010421e7d678ae83e12e55347189aa4567271c852a00","stage":1,"transaction":"good"}',X'8335BDF0C63DF8D2BA82CB84453279AEECF934571F454A2327913000CFB359A0',X'33700C143EBD0F611102246D8812C895815F878BCA30DE1C64F7BE6D1C7C673A');
INSERT INTO "journal" VALUES(11,1800000000000,'receipt','{"data":"{\"first_layer\":5,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"last_layer\":7,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000003\",\"sequence\":1,\"serial\":\"phone-2\",\"span\":\"span\",\"stage\":2,\"steps\":3,\"tokens\":9,\"transaction\":\"good\"}","public_key":"74a5a3caa65149be7718d24fc58ac6ccf9ac9faf12eee77fe904527b80b1abd9","signature":"d852a31b7e7ecaa2e7854743b4efa11bda4198a5ee5b16c0823ee390ae64f210b0f2fc0d01be69ac24aa48018421fa650a826916864d159232a435172bdcaa0a","stage":2,"transaction":"good"}',X'33700C143EBD0F611102246D8812C895815F878BCA30DE1C64F7BE6D1C7C673A',X'CF4F5D74C0A9C2B11703E516B9B8D5D3FF4B6FC25DDC1B96769E0B58C214B25C');
INSERT INTO "journal" VALUES(12,1800000000000,'audit','{"deviation":"0.0","evidence":{},"first_bad_generated":null,"first_bad_step":null,"method":"exact","outcome":"passed","passed":true,"reason":"","serial":"phone-0","stage":0,"transaction":"good"}',X'CF4F5D74C0A9C2B11703E516B9B8D5D3FF4B6FC25DDC1B96769E0B58C214B25C',X'E06C4B572DF9F4B836B831770E4697E061606FE847406999359EB820CC7821C2');
INSERT INTO "journal" VALUES(13,1800000000000,'audit','{"deviation":"1000.0","evidence":{},"first_bad_generated":null,"first_bad_step":null,"method":"exact","outcome":"deviates","passed":false,"reason":"deviates","serial":"phone-1","stage":1,"transaction":"good"}',X'E06C4B572DF9F4B836B831770E4697E061606FE847406999359EB820CC7821C2',X'7C8C9C44DF3251EE967BA55035F105917D39F607852BE2424A9B543789D171DD');
INSERT INTO "journal" VALUES(14,1800000000000,'settled','{"payments":[{"amount":"1226","fee":"25","serial":"phone-0"},{"amount":"1840","fee":"37","serial":"phone-1"},{"amount":"1840","fee":"37","serial":"phone-2"}],"tokens":5,"transaction":"good"}',X'7C8C9C44DF3251EE967BA55035F105917D39F607852BE2424A9B543789D171DD',X'5E85D4333349E31BC5EC44919CAD5084761CF8494599D77FEFD60C179BCED9CB');
INSERT INTO "journal" VALUES(15,1800000000000,'transaction-opened','{"model":"demo","price_per_token":"1001","request":"request","stages":[{"first_layer":0,"last_layer":1,"serial":"phone-0"},{"first_layer":2,"last_layer":4,"serial":"phone-1"},{"first_layer":5,"last_layer":7,"serial":"phone-2"}],"transaction":"bad"}',X'5E85D4333349E31BC5EC44919CAD5084761CF8494599D77FEFD60C179BCED9CB',X'C24249B9EC68C6A6F1F26B954580FE3645D8580729C5BDED465400545C28D696');
INSERT INTO "journal" VALUES(16,1800000000000,'receipt','{"data":"{\"first_layer\":0,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"last_layer\":1,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"sequence\":2,\"serial\":\"phone-0\",\"span\":\"span\",\"stage\":0,\"steps\":3,\"tokens\":9,\"transaction\":\"bad\"}","public_key":"b1769a6a4cda7e429bee1e27a71ca1ec82bb4006fb7d05f46b6ae9975315fffa","signature":"06132a86a01ce2e03e35148419f92b21fd0a9067ba93b34aeb94d0d9cb1c754fb8e2b3440e679e03b954c3fd5147e59f57d214617dfc9cadfd3bd3724c304b08","stage":0,"transaction":"bad"}',X'C24249B9EC68C6A6F1F26B954580FE3645D8580729C5BDED465400545C28D696',X'37107254D0A0941A6C38838E6603A6643299BB3CA1F7706F53B1C42AA7BF5BF1');
INSERT INTO "journal" VALUES(17,1800000000000,'receipt','{"data":"{\"first_layer\":2,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"last_layer\":4,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"sequence\":2,\"serial\":\"phone-1\",\"span\":\"span\",\"stage\":1,\"steps\":3,\"tokens\":9,\"transaction\":\"bad\"}","public_key":"1806c3b0281881056e92acb5ed3a2caed9c92370b9a97f101ad74a1d89864329","signature":"d7ef92b1931fbd4b762ea6815cdb3d09c3596cfe13ae13bc98fa9a841bb98530dbb5e60f88c345bf56c030767f8ea8cdf17207a2883c93ac48445d1ab1c3630e","stage":1,"transaction":"bad"}',X'37107254D0A0941A6C38838E6603A6643299BB3CA1F7706F53B1C42AA7BF5BF1',X'E95BB6576E6081AB492D066F551B728A076B3DBB0E1BAB4EE88BBC96CAE27AC5');
INSERT INTO "journal" VALUES(18,1800000000000,'receipt','{"data":"{\"first_layer\":5,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"last_layer\":7,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000003\",\"sequence\":2,\"serial\":\"phone-2\",\"span\":\"span\",\"stage\":2,\"steps\":3,\"tokens\":9,\"transaction\":\"bad\"}","public_key":"74a5a3caa65149be7718d24fc58ac6ccf9ac9faf12eee77fe904527b80b1abd9","signature":"7b53df61eea62ae48d1c4dde9b8753ad65be7dcdcfa90acc5115e65f6385cc5fb8447eef2c9351ca8269d5f2e0edb532382efd5a602d1043afb0e3294b2a120f","stage":2,"transaction":"bad"}',X'E95BB6576E6081AB492D066F551B728A076B3DBB0E1BAB4EE88BBC96CAE27AC5',X'66615A894542EB57F212C258B36B6BB808E10668813198DCE3918952A02A1A55');
INSERT INTO "journal" VALUES(19,1800000000000,'audit','{"deviation":"1000.0","evidence":{},"first_bad_generated":null,"first_bad_step":null,"method":"exact","outcome":"failed","passed":false,"reason":"wrong output","serial":"phone-1","stage":1,"transaction":"bad"}',X'66615A894542EB57F212C258B36B6BB808E10668813198DCE3918952A02A1A55',X'562063E619D451CDE23140BB8561763249AE6868FA390212E7FBEDF0C76DF214');
INSERT INTO "journal" VALUES(20,1800000000000,'slashed','{"amount":"100000000","evidence":{"deviation":"0.5","first_bad_step":1},"reason":"wrong-output","serial":"phone-1","transaction":"bad"}',X'562063E619D451CDE23140BB8561763249AE6868FA390212E7FBEDF0C76DF214',X'F035A51C943881950593E541E18F20B908266538E57FB8B14376B3958E82A3C0');
INSERT INTO "journal" VALUES(21,1800000000000,'rolled-back','{"good_tokens":2,"reason":"wrong output","transaction":"bad"}',X'F035A51C943881950593E541E18F20B908266538E57FB8B14376B3958E82A3C0',X'271B6323564616A413EF3DE8E00B53E646D32AC2B191AACBA304205954EDDE91');
INSERT INTO "journal" VALUES(22,1800000000000,'equivocation','{"second":{"data":"{\"first_layer\":5,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"last_layer\":7,\"numerical_class\":\"class\",\"output_root\":\"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\",\"sequence\":3,\"serial\":\"phone-2\",\"span\":\"span\",\"stage\":2,\"steps\":3,\"tokens\":9,\"transaction\":\"bad\"}","public_key":"74a5a3caa65149be7718d24fc58ac6ccf9ac9faf12eee77fe904527b80b1abd9","signature":"29eb837fc12ea5dc753df24f61ef68b4a4cf3cf7a3ae683095cc3c50ecab97fad5a4f0c0f96b6c6a657b42fd0c562a91f3c3eebce7f6d7b9d91fe76d45c06f06"},"stage":2,"transaction":"bad"}',X'271B6323564616A413EF3DE8E00B53E646D32AC2B191AACBA304205954EDDE91',X'578933A8B52F71336937B831D390D1B88ECAD53023F9996BA716D0684F064EBB');
INSERT INTO "journal" VALUES(23,1800000000000,'slashed','{"amount":"500000000","evidence":{"differences":{"output_root":["0000000000000000000000000000000000000000000000000000000000000003","ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"]},"stage":2},"reason":"equivocation","serial":"phone-2","transaction":"bad"}',X'578933A8B52F71336937B831D390D1B88ECAD53023F9996BA716D0684F064EBB',X'2C9A277265FA58B43F362AE0EAA7A334712645CF6124ED281C6EE4B244E63683');
INSERT INTO "journal" VALUES(24,1800000000000,'receipt-withheld','{"serial":"phone-0","transaction":"bad","until_ms":1800000600000}',X'2C9A277265FA58B43F362AE0EAA7A334712645CF6124ED281C6EE4B244E63683',X'6DC8251E715083174EF18C2BB86B8AD6477364FD8544640579535D192D8F107D');
INSERT INTO "journal" VALUES(25,1800000000000,'jailed','{"reason":"hot","serial":"phone-0","until_ms":1800000060000}',X'6DC8251E715083174EF18C2BB86B8AD6477364FD8544640579535D192D8F107D',X'9483CAD43F6069CD64454A4D9CE17BC0B00485474793CFF0F091C9313C8952FB');
INSERT INTO "journal" VALUES(26,1800000000000,'released','{"serial":"phone-0"}',X'9483CAD43F6069CD64454A4D9CE17BC0B00485474793CFF0F091C9313C8952FB',X'9C5342BE48AEE2D7467FC04712600190569F28DB794B684D46AAF27863D7EAF5');
INSERT INTO "journal" VALUES(27,1800000000000,'transaction-opened','{"model":"demo","price_per_token":"1001","request":"request","stages":[{"first_layer":0,"last_layer":1,"serial":"phone-0"},{"first_layer":2,"last_layer":4,"serial":"phone-1"},{"first_layer":5,"last_layer":7,"serial":"phone-2"}],"transaction":"unfinished"}',X'9C5342BE48AEE2D7467FC04712600190569F28DB794B684D46AAF27863D7EAF5',X'976754E793CD7CFE9C681075E21F77D95024D17743BC66D874FE2FC556134487');
INSERT INTO "journal" VALUES(28,1800000000000,'receipt','{"data":"{\"first_layer\":0,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"last_layer\":1,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"sequence\":3,\"serial\":\"phone-0\",\"span\":\"span\",\"stage\":0,\"steps\":3,\"tokens\":9,\"transaction\":\"unfinished\"}","public_key":"b1769a6a4cda7e429bee1e27a71ca1ec82bb4006fb7d05f46b6ae9975315fffa","signature":"d7444fcbb7f0512c60698579aece37599e3cc34929507fbee71ef665892862c02ac72639801a8ac0576c3efdfa8f42b6c7ba19733c109c43f2cf9359a8e5910a","stage":0,"transaction":"unfinished"}',X'976754E793CD7CFE9C681075E21F77D95024D17743BC66D874FE2FC556134487',X'61A07D8795808F51D20B02072898900ABF9B0AEE2DF902878F8D4832E445820C');
CREATE TABLE transfers (
        id TEXT NOT NULL PRIMARY KEY,
        sequence INTEGER NOT NULL REFERENCES journal (sequence),
        debit TEXT NOT NULL,
        credit TEXT NOT NULL CHECK (credit <> debit),
        amount INTEGER NOT NULL CHECK (amount > 0)
    ) STRICT;
INSERT INTO "transfers" VALUES('endowment',1,'mint','operator',1000000000000);
INSERT INTO "transfers" VALUES('grant:phone-0',2,'mint','operator',500000000);
INSERT INTO "transfers" VALUES('stake:phone-0',2,'operator','stake:phone-0',500000000);
INSERT INTO "transfers" VALUES('grant:phone-1',3,'mint','operator',500000000);
INSERT INTO "transfers" VALUES('stake:phone-1',3,'operator','stake:phone-1',500000000);
INSERT INTO "transfers" VALUES('grant:phone-2',4,'mint','operator',500000000);
INSERT INTO "transfers" VALUES('stake:phone-2',4,'operator','stake:phone-2',500000000);
INSERT INTO "transfers" VALUES('stake:phone-0:6',6,'operator','stake:phone-0',7);
INSERT INTO "transfers" VALUES('settle:good:phone-0',14,'operator','phone:phone-0',1226);
INSERT INTO "transfers" VALUES('settle:good:phone-0:fee',14,'operator','treasury',25);
INSERT INTO "transfers" VALUES('settle:good:phone-1',14,'operator','phone:phone-1',1840);
INSERT INTO "transfers" VALUES('settle:good:phone-1:fee',14,'operator','treasury',37);
INSERT INTO "transfers" VALUES('settle:good:phone-2',14,'operator','phone:phone-2',1840);
INSERT INTO "transfers" VALUES('settle:good:phone-2:fee',14,'operator','treasury',37);
INSERT INTO "transfers" VALUES('slash:phone-1:bad:wrong-output',20,'stake:phone-1','treasury',100000000);
INSERT INTO "transfers" VALUES('slash:phone-2:bad:equivocation',23,'stake:phone-2','treasury',500000000);
CREATE TRIGGER journal_never_changes BEFORE UPDATE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_never_shrinks BEFORE DELETE ON journal
        BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER transfers_never_change BEFORE UPDATE ON transfers
        BEGIN SELECT RAISE(ABORT, 'transfers never change'); END;
CREATE TRIGGER transfers_never_vanish BEFORE DELETE ON transfers
        BEGIN SELECT RAISE(ABORT, 'transfers never change'); END;
COMMIT;
