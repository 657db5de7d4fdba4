"""The words that the texts are composed of, written for this project."""

from __future__ import annotations

FREQUENT_CHARACTERS = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
    "日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政"
    "美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员"
    "解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件"
    "计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象"
    "完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运"
)

SHOP_NAMES = (
    "好运来", "老街坊", "福满堂", "小城故事", "春风里", "金太阳", "万家乐园", "江南人家", "一品香", "四季青",
    "聚贤阁", "东来顺意", "阿明", "老刘家", "半亩田", "天天见", "百姓", "悦来", "红房子", "青石巷", "云上",
    "新世界", "同心", "吉祥", "梧桐树下", "双龙", "海之味", "大森林", "星光", "花间", "山城", "湘里湘亲",
    "川渝", "北方", "南国", "晨曦", "乐活", "知味", "禾田", "宏达",
)  # fmt: skip
SHOP_TRADES = (
    "饺子馆", "大药房", "超市", "理发店", "五金店", "牛肉面", "火锅", "眼镜店", "水果店", "便利店", "花店",
    "书店", "茶楼", "面包房", "修车行", "洗衣店", "文具店", "烟酒行", "快餐", "宾馆", "童装", "鞋城",
    "手机维修", "房产中介", "家电商场", "摄影", "网吧", "烧烤", "早餐店", "海鲜酒楼", "美容院", "诊所",
    "图文打印", "窗帘布艺", "建材", "电动车行", "奶茶", "干洗", "饭庄",
)  # fmt: skip
PLACES = (
    "北京", "上海", "广州", "深圳", "杭州", "南京", "成都", "重庆", "武汉", "西安", "长沙", "苏州", "青岛",
    "天津", "昆明", "厦门", "城东", "滨江", "西湖", "新区", "老城", "江北", "台湾", "香港", "大连", "沈阳",
    "福州", "桂林",
)  # fmt: skip
PINYIN = (
    "BEIJING", "Shanghai", "Guangzhou", "HANGZHOU", "Nanjing Lu", "CHENGDU", "Xi'an", "Suzhou", "Kunming",
)  # fmt: skip
STREETS = (
    "人民路", "中山大道", "解放街", "建设路", "和平里", "文化巷", "长江路", "学院路", "科技园", "火车站前街",
    "胜利东路",
)  # fmt: skip
ROADS = ("Street", "Road", "Avenue", "Lane", "Plaza", "Drive")
TITLES = (
    "年终大促", "新品上市", "限时抢购", "全场包邮", "夏日清凉", "品质生活", "智能扫地机", "无线蓝牙耳机",
    "纯棉四件套", "冬季保暖", "儿童益智玩具", "家用空气炸锅", "高山云雾茶", "原味坚果", "手工水饺",
    "男士运动鞋", "学生台灯", "便携保温杯", "真皮沙发", "厨房神器", "大屏智能电视", "轻薄笔记本", "舒适透气",
    "浓情端午", "中秋团圆", "元旦快乐", "开业大吉", "清仓处理", "招租", "安全出口", "禁止吸烟", "小心地滑",
    "欢迎光临", "请勿停车", "注意安全", "售票处", "收银台", "服务台", "洗手间", "停车场", "紧急出口",
    "消防通道", "游客中心", "公共自行车", "地铁站", "招聘启事", "通知", "公告栏", "爱护花草", "节约用水",
    "垃圾分类", "推拉", "营业中", "休息中", "闲人免进", "请排队", "自助取款", "母婴室", "电梯", "禁止通行",
    "前方施工", "减速慢行", "冰爽柠檬茶", "鲜榨果汁", "麻辣香锅", "秘制酱料", "养生糙米", "有机蔬菜",
    "深海鱼油", "草本牙膏", "亮白洁面", "柔顺洗发露",
)  # fmt: skip
SLOGANS = (
    "让生活更简单", "好品质看得见", "用心做好每一天", "健康从早餐开始", "一杯茶的时光", "给家人更好的",
    "科技改变生活", "美味不等待", "诚信经营", "童叟无欺", "薄利多销", "质量第一", "服务至上", "百年老店",
    "源自天然", "匠心制造", "为梦想出发", "绿色出行", "共建文明城市", "平安是福", "高高兴兴上班",
    "平平安安回家", "珍惜粮食", "保护环境人人有责", "读书使人进步", "运动快乐", "随时随地想用就用",
    "冬暖夏凉", "一步到位", "更薄更轻更快", "看得见的洁净", "每一口都新鲜", "送礼有面子", "七天无理由退换",
)  # fmt: skip
QUALITIES = (
    "加厚", "防水", "静音", "大容量", "纯棉", "不锈钢", "可折叠", "免安装", "高清", "快充", "无糖", "低脂",
    "防滑", "耐磨", "透气", "轻便", "多功能", "可水洗", "环保", "进口", "手工", "原装", "正品", "柔软",
    "保湿", "防晒", "速干", "遥控", "智能", "节能", "双层", "迷你", "加长", "升级版", "儿童", "家用", "车载",
    "户外", "四季通用", "送货上门",
)  # fmt: skip
PRODUCTS = (
    "保温杯", "收纳盒", "充电宝", "数据线", "床单", "枕头", "雨伞", "背包", "行李箱", "台灯", "电饭煲",
    "炒锅", "拖鞋", "毛巾", "牙刷", "洗衣液", "纸巾", "饼干", "牛奶", "咖啡", "大米", "蜂蜜", "红枣", "核桃",
    "茶叶", "手表", "眼镜", "帽子", "围巾", "衬衫", "牛仔裤", "连衣裙", "跑步鞋", "键盘", "鼠标", "音箱",
    "耳机", "相框", "地毯", "窗帘", "水龙头", "灯泡", "螺丝刀",
)  # fmt: skip
MEASURES = ("件", "个", "盒", "瓶", "包", "斤", "双", "套", "片", "支", "袋", "米", "卷", "箱", "台", "只")
BADGES = (
    "热卖", "新品", "包邮", "正品保证", "顺丰发货", "次日达", "爆款", "推荐", "特价", "赠品", "满减",
    "会员价", "买一送一", "限量",
)  # fmt: skip
SUBJECTS = (
    "本店所有商品", "这款杯子", "经过三年的努力", "为了方便顾客", "今年夏天", "我们的产品", "在这座城市里",
    "清晨的阳光", "根据有关规定", "新版本的软件", "孩子们在操场上", "由于天气原因", "老师傅", "从车站出发",
    "购买之前", "该材料", "使用本产品时", "图书馆二楼", "每个周末", "全体员工", "这本小说", "窗外的雨",
    "实验结果", "参加活动的同学", "旅客朋友们",
)  # fmt: skip
PREDICATES = (
    "均享受三年质保", "采用食品级材料", "终于有了结果", "特别开设了夜间窗口", "气温比往年更高",
    "已经通过检测", "有一条安静的小巷", "照在古老的屋顶上", "需要提前办理登记", "修复了几个已知的问题",
    "练习长跑和跳远", "比赛推迟到下周举行", "做的面条又细又长", "步行大约十分钟", "请仔细阅读说明",
    "具有良好的耐热性", "应当远离火源", "周一至周五开放", "都会去公园散步", "要按时参加培训",
    "讲述了一个少年的成长", "下了整整一夜", "表明误差在百分之五以内", "请到东门集合", "请保管好随身物品",
)  # fmt: skip
ENDINGS = (
    "欢迎新老顾客选购", "请放心使用", "大家都很高兴", "详情请咨询客服", "记得多喝水", "深受用户喜爱",
    "住着许多老邻居", "像一层薄薄的金子", "逾期不再受理", "运行速度明显提高", "汗水湿透了衣服",
    "具体时间另行通知", "远近的人都来吃", "沿途风景十分优美", "以免造成损坏", "适合长期存放",
    "儿童须在成人陪同下使用", "节假日除外", "呼吸新鲜空气", "不得无故缺席", "读来让人难忘", "树叶落满了院子",
    "与理论计算基本一致", "不要迟到", "祝您旅途愉快",
)  # fmt: skip
DISHES = (
    "宫保鸡丁", "鱼香肉丝", "麻婆豆腐", "红烧排骨", "清蒸鲈鱼", "西红柿炒蛋", "酸辣土豆丝", "蒜蓉西兰花",
    "扬州炒饭", "牛肉拉面", "小笼包", "皮蛋瘦肉粥", "葱油饼", "水煮鱼", "糖醋里脊", "干锅花菜", "凉拌黄瓜",
    "紫菜蛋花汤", "酸梅汤", "绿豆沙", "米饭", "豆浆", "油条", "烤鸭", "羊肉串", "担担面", "珍珠奶茶",
    "柠檬水", "芝麻汤圆", "红油抄手",
)  # fmt: skip
FORM_HEADINGS = (
    "个人信息登记表", "费用报销单", "销售合同", "出库单", "体检报告", "增值税普通发票", "入职申请表",
    "检验记录", "会议纪要", "快递运单", "收款收据", "设备维修记录", "学生成绩单", "产品说明书", "租赁协议",
    "请假条", "采购清单", "营业执照",
)  # fmt: skip
FORM_FIELDS = (
    "姓名", "性别", "出生日期", "联系电话", "家庭住址", "身份证号", "单位名称", "部门", "职务", "金额",
    "数量", "单价", "合计", "备注", "日期", "经办人", "审核", "签字", "开户银行", "账号", "规格型号",
    "生产日期", "保质期", "有效期至", "收货人", "寄件人", "邮政编码", "合同编号", "检验结果", "民族", "学历",
    "专业", "税率", "车次", "座位号",
)  # fmt: skip
FORM_VALUES = (
    "王小明", "李芳", "张建国", "陈静", "刘海洋", "男", "女", "汉", "本科", "合格", "财务部", "工程师",
    "市场部", "见附件", "无", "壹仟贰佰元整", "二等座", "常温保存", "十二个月", "同意", "赵晓燕", "周文",
    "技术员", "已付清", "自动化",
)  # fmt: skip
ENGLISH_WORDS = (
    "coffee", "garden", "market", "station", "express", "hotel", "sale", "open", "exit", "water", "music",
    "summer", "winter", "fashion", "sport", "travel", "kitchen", "bread", "fresh", "quality", "premium",
    "classic", "house", "studio", "center", "bank", "library", "museum", "bridge", "river", "ocean",
    "mountain", "silver", "golden", "orange", "apple", "berry", "power", "light", "energy", "smart",
    "digital", "camera", "phone", "watch", "glasses", "beauty", "health", "pharmacy", "restaurant", "bakery",
    "noodle", "tea", "juice", "sugar", "salt", "rice", "wheat", "cotton", "wool", "leather", "platform",
    "ticket", "parking", "entrance", "emergency", "push", "pull", "stop", "caution", "level", "north",
    "south", "east", "west", "tower", "valley", "village", "welcome", "service", "discount", "special",
    "offer", "limited", "edition", "original",
)  # fmt: skip
ENGLISH_SUBJECTS = (
    "Please keep this door", "All visitors", "The total amount", "Our new collection", "This product",
    "Every morning the baker", "Store in a dry place and", "The next train", "Members of the team",
    "For further details", "The quick report", "No part of this unit", "Results of the second test",
    "A small boat", "Shake well before use and", "The undersigned", "Customers under 18",
)  # fmt: skip
ENGLISH_PREDICATES = (
    "must sign in at the desk", "is due within 30 days", "arrives in early spring", "contains milk and nuts",
    "opens before seven o'clock", "keep away from sunlight", "leaves from platform 4",
    "agreed to meet on Friday", "call the office below", "shows a growth of 12%", "may be opened by the user",
    "were within the limits", "crossed the quiet harbor", "serve chilled", "hereby confirms the order",
    "are not admitted", "closed at all times",
)  # fmt: skip
ENGLISH_HEADINGS = (
    "APPLICATION FORM", "PURCHASE ORDER", "LABORATORY REPORT", "MEMORANDUM", "INVOICE", "Shipping Notice",
    "QUARTERLY SUMMARY", "Request for Approval", "FAX COVER SHEET", "Test Protocol", "Budget Estimate",
    "MEETING MINUTES", "Packing List",
)  # fmt: skip
ENGLISH_FIELDS = (
    "Name", "Date", "To", "From", "Subject", "Address", "Telephone", "Order No.", "Quantity", "Amount",
    "Total", "Signature", "Department", "Approved by", "Account", "Remarks", "City", "Sample", "Batch",
    "Unit Price", "Reference", "Delivery", "Page",
)  # fmt: skip
MONTHS = (
    "January", "Feb.", "March", "April", "May", "June", "July", "Aug.", "Sept.", "October", "Nov.",
    "December",
)  # fmt: skip
SYLLABLES = (
    "lo", "ra", "mi", "ven", "tor", "ka", "sel", "no", "bri", "da", "fin", "zu", "per", "hal", "ost", "yu",
    "gan", "wei",
)  # fmt: skip
UNITS = ("ml", "kg", "g", "mm", "L", "W", "V", "km", "GB", "mAh", "Hz", "cm²")
SYMBOLS = "★☆●○◆■□▲△→←↑↓①②③④⑤√×＋※~@#&*+=<>|/()[]{}\"'!?%^_：；、《》“”·…—"
