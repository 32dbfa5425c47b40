PRAGMA user_version=1;
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
INSERT INTO "head" VALUES(1,28,X'2D1DB9934D607F4EA75FFCF07AD62723EDB0200CF518AF56E81A44354CB12489',X'B992E1F98583862D557C1A9AF02F285C20FB572D7CC69FD8BE34E21553276D49',X'DAC413BF2BBDE288E587D34346C5B9F57242B769D1C84D2C89F5AAD533D04FF6EB3EF2488BADFBF214B60B606DA849C3BA17A267F8E21594E1943CC64D0E9904');
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
INSERT INTO "journal" VALUES(7,1800000000000,'epoch-opened','{"audit_rate":"1.0","commitment":"79436e0d376644c704897c62507caf7a663cfbed2f24b1f6b62662acbfb3aff7","epoch":1}',X'A42784059A8188E4CDE96B2182522AE4009B300198CE2A2310437C796113FB18',X'61ADC4D6320F397B05A575D37128EC5C360376CF7898C634DB6A947AEDB70A2C');
INSERT INTO "journal" VALUES(8,1800000000000,'transaction-opened','{"model":"demo","price_per_token":"1001","request":"request","stages":[{"first_layer":0,"last_layer":1,"serial":"phone-0"},{"first_layer":2,"last_layer":4,"serial":"phone-1"},{"first_layer":5,"last_layer":7,"serial":"phone-2"}],"transaction":"good"}',X'61ADC4D6320F397B05A575D37128EC5C360376CF7898C634DB6A947AEDB70A2C',X'62057716A59F1D7248C984DAEE4A3850668752C3770476C61D435ACA506F67E9');
INSERT INTO "journal" VALUES(9,1800000000000,'receipt','{"data":"{\"first_layer\":0,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"last_layer\":1,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"sequence\":1,\"serial\":\"phone-0\",\"span\":\"span\",\"stage\":0,\"steps\":3,\"tokens\":9,\"transaction\":\"good\"}","public_key":"b1769a6a4cda7e429bee1e27a71ca1ec82bb4006fb7d05f46b6ae9975315fffa","signature":"79bedd595c53681b565d6caf266d2b8a1af04a9b36b2ebfae03866f2698cc21007598ba4916a5ac97e3d84aa5ed3f07abc0cda7b80c6feea6dc49da8a5351b0b","stage":0,"transaction":"good"}',X'62057716A59F1D7248C984DAEE4A3850668752C3770476C61D435ACA506F67E9',X'0DCAEC3BE4CED7AF1082F2296FC1BC48761072425C2E440936E4AF338D85F2AE');
INSERT INTO "journal" VALUES(10,1800000000000,'receipt','{"data":"{\"first_layer\":2,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"last_layer\":4,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"sequence\":1,\"serial\":\"phone-1\",\"span\":\"span\",\"stage\":1,\"steps\":3,\"tokens\":9,\"transaction\":\"good\"}","public_key":"1806c3b0281881056e92acb5ed3a2caed9c92370b9a97f101ad74a1d89864329","signature":"fd4d42b9fbdc9b8f849366251c2c3a7b5f2355ef1fd309b21e6703e254b43a2f75fca4fe27bb0c397fc5010421e7d678ae83e12e55347189aa4567271c852a00","stage":1,"transaction":"good"}',X'0DCAEC3BE4CED7AF1082F2296FC1BC48761072425C2E440936E4AF338D85F2AE',X'579F0D1E6474EB3D61BE8A972D0677D174E6B46593307617E0B7B36DFEF411C9');
INSERT INTO "journal" VALUES(11,1800000000000,'receipt','{"data":"{\"first_layer\":5,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"last_layer\":7,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000003\",\"sequence\":1,\"serial\":\"phone-2\",\"span\":\"span\",\"stage\":2,\"steps\":3,\"tokens\":9,\"transaction\":\"good\"}","public_key":"74a5a3caa65149be7718d24fc58ac6ccf9ac9faf12eee77fe904527b80b1abd9","signature":"d852a31b7e7ecaa2e7854743b4efa11bda4198a5ee5b16c0823ee390ae64f210b0f2fc0d01be69ac24aa48018421fa650a826916864d159232a435172bdcaa0a","stage":2,"transaction":"good"}',X'579F0D1E6474EB3D61BE8A972D0677D174E6B46593307617E0B7B36DFEF411C9',X'EC2FDB6922FD18524B9EBDD6DA2400C2EB5EAEFF4AEC016A0186668D66C1F2FC');
INSERT INTO "journal" VALUES(12,1800000000000,'audit','{"deviation":"0.0","evidence":{},"first_bad_generated":null,"first_bad_step":null,"method":"exact","outcome":"passed","passed":true,"reason":"","serial":"phone-0","stage":0,"transaction":"good"}',X'EC2FDB6922FD18524B9EBDD6DA2400C2EB5EAEFF4AEC016A0186668D66C1F2FC',X'C861785C0CA5E4E138F086755A74F05EE6898D0D77B512779EDC7F2411AF5C83');
INSERT INTO "journal" VALUES(13,1800000000000,'audit','{"deviation":"1000.0","evidence":{},"first_bad_generated":null,"first_bad_step":null,"method":"exact","outcome":"deviates","passed":false,"reason":"deviates","serial":"phone-1","stage":1,"transaction":"good"}',X'C861785C0CA5E4E138F086755A74F05EE6898D0D77B512779EDC7F2411AF5C83',X'E0DBD81C20CF47BA7CB157D53037546C86E2972394685B40F6D5BF8B326675F6');
INSERT INTO "journal" VALUES(14,1800000000000,'settled','{"payments":[{"amount":"1226","fee":"25","serial":"phone-0"},{"amount":"1840","fee":"37","serial":"phone-1"},{"amount":"1840","fee":"37","serial":"phone-2"}],"tokens":5,"transaction":"good"}',X'E0DBD81C20CF47BA7CB157D53037546C86E2972394685B40F6D5BF8B326675F6',X'EAE16FC37448D4825C1E171FCB0859A622F962EFEF531AA1CB0B0BA6F0D2B095');
INSERT INTO "journal" VALUES(15,1800000000000,'transaction-opened','{"model":"demo","price_per_token":"1001","request":"request","stages":[{"first_layer":0,"last_layer":1,"serial":"phone-0"},{"first_layer":2,"last_layer":4,"serial":"phone-1"},{"first_layer":5,"last_layer":7,"serial":"phone-2"}],"transaction":"bad"}',X'EAE16FC37448D4825C1E171FCB0859A622F962EFEF531AA1CB0B0BA6F0D2B095',X'DE229114797EBC1965557FACD76E9DD95BDC228DC02DB010704738E9DB33E10B');
INSERT INTO "journal" VALUES(16,1800000000000,'receipt','{"data":"{\"first_layer\":0,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"last_layer\":1,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"sequence\":2,\"serial\":\"phone-0\",\"span\":\"span\",\"stage\":0,\"steps\":3,\"tokens\":9,\"transaction\":\"bad\"}","public_key":"b1769a6a4cda7e429bee1e27a71ca1ec82bb4006fb7d05f46b6ae9975315fffa","signature":"06132a86a01ce2e03e35148419f92b21fd0a9067ba93b34aeb94d0d9cb1c754fb8e2b3440e679e03b954c3fd5147e59f57d214617dfc9cadfd3bd3724c304b08","stage":0,"transaction":"bad"}',X'DE229114797EBC1965557FACD76E9DD95BDC228DC02DB010704738E9DB33E10B',X'55774FC04219E8C1D9804020D4603FB0732EFDA4EDF599A20F62C418D27B0929');
INSERT INTO "journal" VALUES(17,1800000000000,'receipt','{"data":"{\"first_layer\":2,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"last_layer\":4,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"sequence\":2,\"serial\":\"phone-1\",\"span\":\"span\",\"stage\":1,\"steps\":3,\"tokens\":9,\"transaction\":\"bad\"}","public_key":"1806c3b0281881056e92acb5ed3a2caed9c92370b9a97f101ad74a1d89864329","signature":"d7ef92b1931fbd4b762ea6815cdb3d09c3596cfe13ae13bc98fa9a841bb98530dbb5e60f88c345bf56c030767f8ea8cdf17207a2883c93ac48445d1ab1c3630e","stage":1,"transaction":"bad"}',X'55774FC04219E8C1D9804020D4603FB0732EFDA4EDF599A20F62C418D27B0929',X'A41C81264D76FD566C8B8071B40BABA8A99A7CD09C13A792664B50D354CFE392');
INSERT INTO "journal" VALUES(18,1800000000000,'receipt','{"data":"{\"first_layer\":5,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"last_layer\":7,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000003\",\"sequence\":2,\"serial\":\"phone-2\",\"span\":\"span\",\"stage\":2,\"steps\":3,\"tokens\":9,\"transaction\":\"bad\"}","public_key":"74a5a3caa65149be7718d24fc58ac6ccf9ac9faf12eee77fe904527b80b1abd9","signature":"7b53df61eea62ae48d1c4dde9b8753ad65be7dcdcfa90acc5115e65f6385cc5fb8447eef2c9351ca8269d5f2e0edb532382efd5a602d1043afb0e3294b2a120f","stage":2,"transaction":"bad"}',X'A41C81264D76FD566C8B8071B40BABA8A99A7CD09C13A792664B50D354CFE392',X'D209CE37B0716A67349AD29C26428FC85B6BE9225930CB27ECB4ABD6119E49ED');
INSERT INTO "journal" VALUES(19,1800000000000,'audit','{"deviation":"1000.0","evidence":{},"first_bad_generated":null,"first_bad_step":null,"method":"exact","outcome":"failed","passed":false,"reason":"wrong output","serial":"phone-1","stage":1,"transaction":"bad"}',X'D209CE37B0716A67349AD29C26428FC85B6BE9225930CB27ECB4ABD6119E49ED',X'4AD925329042586369FA9F74BD01FDD03E1FF5848F02D3B39B8E17BE6DCEF240');
INSERT INTO "journal" VALUES(20,1800000000000,'slashed','{"amount":"100000000","evidence":{"deviation":"0.5","first_bad_step":1},"reason":"wrong-output","serial":"phone-1","transaction":"bad"}',X'4AD925329042586369FA9F74BD01FDD03E1FF5848F02D3B39B8E17BE6DCEF240',X'DBD9E905F64765F153BE9FDC276A30D30B6D4EFFD54EDDFFD9E915BCE4A99474');
INSERT INTO "journal" VALUES(21,1800000000000,'rolled-back','{"good_tokens":2,"reason":"wrong output","transaction":"bad"}',X'DBD9E905F64765F153BE9FDC276A30D30B6D4EFFD54EDDFFD9E915BCE4A99474',X'DD75A4078467A827664D0E47BD1D3ECD82571621729455E4B0EC770C2A5664EB');
INSERT INTO "journal" VALUES(22,1800000000000,'equivocation','{"second":{"data":"{\"first_layer\":5,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000002\",\"last_layer\":7,\"numerical_class\":\"class\",\"output_root\":\"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\",\"sequence\":3,\"serial\":\"phone-2\",\"span\":\"span\",\"stage\":2,\"steps\":3,\"tokens\":9,\"transaction\":\"bad\"}","public_key":"74a5a3caa65149be7718d24fc58ac6ccf9ac9faf12eee77fe904527b80b1abd9","signature":"29eb837fc12ea5dc753df24f61ef68b4a4cf3cf7a3ae683095cc3c50ecab97fad5a4f0c0f96b6c6a657b42fd0c562a91f3c3eebce7f6d7b9d91fe76d45c06f06"},"stage":2,"transaction":"bad"}',X'DD75A4078467A827664D0E47BD1D3ECD82571621729455E4B0EC770C2A5664EB',X'9BA1238316CBB8C897E8677CB5520B9B456F9DBC84246E476D3FF2D9CCAB54BC');
INSERT INTO "journal" VALUES(23,1800000000000,'slashed','{"amount":"500000000","evidence":{"differences":{"output_root":["0000000000000000000000000000000000000000000000000000000000000003","ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"]},"stage":2},"reason":"equivocation","serial":"phone-2","transaction":"bad"}',X'9BA1238316CBB8C897E8677CB5520B9B456F9DBC84246E476D3FF2D9CCAB54BC',X'FE4B19EFFA221976C7E3F691C1BCED6061CEB41949548C660EA1A31A7662BB8A');
INSERT INTO "journal" VALUES(24,1800000000000,'receipt-withheld','{"serial":"phone-0","transaction":"bad","until_ms":1800000600000}',X'FE4B19EFFA221976C7E3F691C1BCED6061CEB41949548C660EA1A31A7662BB8A',X'CF6BE8885D476556F306A5D7592D47EE6F7FA353DF891AC733D06C541D7115EB');
INSERT INTO "journal" VALUES(25,1800000000000,'jailed','{"reason":"hot","serial":"phone-0","until_ms":1800000060000}',X'CF6BE8885D476556F306A5D7592D47EE6F7FA353DF891AC733D06C541D7115EB',X'00AE19EB7076A778436600B71D404174E802ECF3AC9F1D4FD0F4948B345E01E6');
INSERT INTO "journal" VALUES(26,1800000000000,'released','{"serial":"phone-0"}',X'00AE19EB7076A778436600B71D404174E802ECF3AC9F1D4FD0F4948B345E01E6',X'C9CAB574104D7F5137F73683CF41B926F0E0A4E776B5EC9CACBEC4ACDEFBB7F8');
INSERT INTO "journal" VALUES(27,1800000000000,'transaction-opened','{"model":"demo","price_per_token":"1001","request":"request","stages":[{"first_layer":0,"last_layer":1,"serial":"phone-0"},{"first_layer":2,"last_layer":4,"serial":"phone-1"},{"first_layer":5,"last_layer":7,"serial":"phone-2"}],"transaction":"unfinished"}',X'C9CAB574104D7F5137F73683CF41B926F0E0A4E776B5EC9CACBEC4ACDEFBB7F8',X'3B3B51C8D4603BDD8C586C3C79D5C46E07FF9229836BB6B5B256FECFEF641AD9');
INSERT INTO "journal" VALUES(28,1800000000000,'receipt','{"data":"{\"first_layer\":0,\"graph\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"input_root\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"last_layer\":1,\"numerical_class\":\"class\",\"output_root\":\"0000000000000000000000000000000000000000000000000000000000000001\",\"sequence\":3,\"serial\":\"phone-0\",\"span\":\"span\",\"stage\":0,\"steps\":3,\"tokens\":9,\"transaction\":\"unfinished\"}","public_key":"b1769a6a4cda7e429bee1e27a71ca1ec82bb4006fb7d05f46b6ae9975315fffa","signature":"d7444fcbb7f0512c60698579aece37599e3cc34929507fbee71ef665892862c02ac72639801a8ac0576c3efdfa8f42b6c7ba19733c109c43f2cf9359a8e5910a","stage":0,"transaction":"unfinished"}',X'3B3B51C8D4603BDD8C586C3C79D5C46E07FF9229836BB6B5B256FECFEF641AD9',X'2D1DB9934D607F4EA75FFCF07AD62723EDB0200CF518AF56E81A44354CB12489');
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
